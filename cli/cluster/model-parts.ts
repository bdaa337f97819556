// The model sets of a folder: by name for the coordinator, by digest of a part for workers.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { openModelSet, partsOf } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
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

  /** Every part of one set, by what it is. */
  async parts(name?: string): Promise<ReadonlyMap<Digest, ModelPart>> {
    return new Map(partsOf(await this.open(name)).map((part) => [part.digest, part]));
  }
}
