// The model sets of a folder: by name for the coordinator, by digest of a part for workers.

import { BivdiffError } from '../../common/errors.ts';
import { inspectModelSet, openModelSet } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import type { ModelProblem } from '../../common/models/part-files.ts';
import { findSetFolders } from '../../common/models/set-folders.ts';
import type { Digest } from '../../common/task.ts';

/** What a farm of several sets takes where no name is given. */
const DEFAULT_SET = 'demo';

export class ModelLibrary {
  readonly #folder: string;
  readonly #sets = new Map<string, Promise<ModelSet>>();

  /** `folder` is a model set itself, or holds sets in folders of their own. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The set of this name; without one the only set, or of several `demo`.
   * @throws not-found — no set of this name, or none that goes without saying; names those that there are
   */
  async open(name?: string): Promise<ModelSet> {
    const folder = await this.#folderOf(name);
    const set = this.#sets.get(folder) ?? openModelSet(folder);
    this.#sets.set(folder, set);
    set.catch(() => this.#sets.delete(folder));
    return set;
  }

  async #folderOf(name: string | undefined): Promise<string> {
    // Looked for each time: sets are put beside the others while the farm runs.
    const sets = await findSetFolders(this.#folder).catch(() => new Map<string, string>());
    const [first, ...others] = sets.values();
    const folder =
      name === undefined && others.length === 0 ? first : sets.get(name ?? DEFAULT_SET);
    if (folder !== undefined) return folder;
    const problem = `models: ${problemOf(name, [...sets.keys()])}`;
    throw new BivdiffError('not-found', problem, {
      hint: hintOf(name, sets.size),
      details: { problems: [problem], sets: [...sets.keys()] },
    });
  }
}

function problemOf(name: string | undefined, sets: readonly string[]): string {
  if (sets.length === 0) return 'this farm has no model sets';
  const having = `this farm has: ${sets.join(', ')}`;
  return name === undefined ? `say which; ${having}` : `no model set ${name}; ${having}`;
}

function hintOf(name: string | undefined, count: number): string {
  if (count === 0)
    return 'Whoever operates the farm says with coordinator --models where they are.';
  return name?.includes('/') === true
    ? 'A farm takes the name of one of its sets, not a folder.'
    : 'Choose one of these by its name, with --models or as models in a spec.';
}

/** What a worker has in a folder of its own. */
export interface OwnParts {
  readonly parts: ReadonlyMap<Digest, ModelPart>;
  /** What keeps others from being used, for the log: the store has those. */
  readonly problems: readonly ModelProblem[];
}

/** Every part, by what it is, of the set that a folder is, or of the sets that it holds. @throws not-found — no such folder */
export async function ownPartsOf(folder: string): Promise<OwnParts> {
  const sets = await findSetFolders(folder).catch((reason: unknown) => {
    throw BivdiffError.from(reason, `--models: reading ${folder}`);
  });
  const parts = new Map<Digest, ModelPart>();
  const problems: ModelProblem[] = [];
  for (const set of sets.values()) {
    const report = await inspectModelSet(set);
    for (const part of report.parts) parts.set(part.digest, part);
    problems.push(...report.problems);
  }
  return { parts, problems };
}
