// The model sets of a folder: by name for the coordinator, by digest of a part for workers.

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { inspectModelSet, openModelSet } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import type { ModelProblem } from '../../common/models/part-files.ts';
import type { Digest } from '../../common/task.ts';

export class ModelLibrary {
  readonly #folder: string;
  readonly #sets = new Map<string, Promise<ModelSet>>();

  /** `folder` is a model set itself, or holds sets in folders of their own. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws not-found — no set of this name */
  async open(name = 'demo'): Promise<ModelSet> {
    const folder = existsSync(join(this.#folder, name)) ? join(this.#folder, name) : this.#folder;
    if (!existsSync(folder)) {
      throw new BivdiffError('not-found', `models: no model set ${name} in ${this.#folder}`);
    }
    const set = this.#sets.get(folder) ?? openModelSet(folder);
    this.#sets.set(folder, set);
    set.catch(() => this.#sets.delete(folder));
    return set;
  }
}

/** What a worker has in a folder of its own. */
export interface OwnParts {
  readonly parts: ReadonlyMap<Digest, ModelPart>;
  /** What keeps others from being used, for the log: the store has those. */
  readonly problems: readonly ModelProblem[];
}

/** Every part, by what it is, of the set that a folder is, or of the sets that it holds. @throws not-found — no such folder */
export async function ownPartsOf(folder: string): Promise<OwnParts> {
  const found = await readdir(folder, { withFileTypes: true }).catch((reason: unknown) => {
    throw BivdiffError.from(reason, `--models: reading ${folder}`);
  });
  const isSet = (path: string): boolean => existsSync(join(path, 'card.json'));
  const below = found.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  const sets = isSet(folder) ? [folder] : below.filter(isSet);
  const parts = new Map<Digest, ModelPart>();
  const problems: ModelProblem[] = [];
  for (const set of sets) {
    const report = await inspectModelSet(set);
    for (const part of report.parts) parts.set(part.digest, part);
    problems.push(...report.problems);
  }
  return { parts, problems };
}
