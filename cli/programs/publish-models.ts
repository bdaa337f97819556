// Puts the models of an accepted job into the farm's store, so that every worker can have them, whatever lies in its own folder.

import { BivdiffError } from '../../common/errors.ts';
import { partsOf } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import { isPartStored, storePart } from '../../common/models/stored-part.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import { modelsOfJob } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';

/** How often a part that is used counts as used now: that means to read it all. Garbage collection takes weeks. */
const REFRESH_MS = 24 * 3_600_000;

export class ModelPublisher {
  readonly #store: Store;
  readonly #publishedMs = new Map<Digest, number>();
  /** One after the other: they are gigabytes, and a second job mostly wants the same. */
  #turn: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when the store has every part that the job uses. @throws resource-exhausted — the disk is full */
  publish(set: ModelSet, job: AcceptedJob): Promise<void> {
    const turn = this.#turn.then(async () => {
      const parts = new Map(partsOf(set).map((part) => [part.digest, part]));
      for (const { name, digest } of modelsOfJob(job)) {
        const part = parts.get(digest);
        if (part === undefined) throw new BivdiffError('internal', `${name} is not of its set`);
        await this.#publishPart(set, part);
      }
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #publishPart(set: ModelSet, part: ModelPart): Promise<void> {
    const publishedMs = this.#publishedMs.get(part.digest) ?? -Infinity;
    const isRecent = Date.now() - publishedMs < REFRESH_MS;
    if (isRecent && (await isPartStored(this.#store, part.digest))) return;
    await storePart(this.#store, part, { root: set.folder });
    this.#publishedMs.set(part.digest, Date.now());
  }
}
