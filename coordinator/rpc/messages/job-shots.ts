// The shots of a job as its clients see them. They are part of its spec, which does not change: read once, and remembered.

import type { Shots } from '../../../common/gen/bivdiff/v1/job.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { JobId } from '../../../common/task.ts';
import { shotsOf } from '../../../recipes/pipeline/shots.ts';
import type { CutClip } from '../../../recipes/pipeline/shots.ts';
import { readAcceptedJob } from '../../jobs/finished-frames.ts';

/** Jobs of which it is remembered. */
const REMEMBERED_MAX = 256;
/** Of more shots, the first are named: their number is bounded by the job only. */
const NAMED_MAX = 256;

export class ShotsOfJobs {
  readonly #store: Store;
  /** By id: a job that is deleted and submitted again has the same. */
  readonly #known = new Map<JobId, Shots | undefined>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Undefined where it has no cuts, and where its spec cannot be read: what that means to the job, its state says. */
  async of(jobId: JobId): Promise<Shots | undefined> {
    if (this.#known.has(jobId)) return this.#known.get(jobId);
    const job = await readAcceptedJob(this.#store, jobId).catch(() => undefined);
    if (job === undefined) return undefined;
    const shots = shotsMessage(job);
    this.#known.set(jobId, shots);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > REMEMBERED_MAX) this.#known.delete(oldest);
    return shots;
  }
}

function shotsMessage(clip: CutClip): Shots | undefined {
  if (clip.cuts === undefined) return undefined;
  const starts = shotsOf(clip).map(({ start }) => start);
  return { count: starts.length, firstFrames: starts.slice(0, NAMED_MAX) };
}
