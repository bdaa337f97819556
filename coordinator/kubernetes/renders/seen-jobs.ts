// Jobs as Renders show them: from the coordinator's view, and what their runs have cost so far.

import { BivdiffError } from '../../../common/errors.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import type { Coordinator } from '../../coordinator.ts';
import { waitsFor } from '../../dispatch/waits-for.ts';
import { fractionOf } from '../../jobs/job-progress.ts';
import type { JobView } from '../../jobs/known-jobs.ts';
import { readManifest } from '../../jobs/manifest.ts';
import type { ActiveJob } from '../../run/active-job.ts';
import type { Render } from './resource.ts';
import type { SeenJob } from './status.ts';

export interface SeenJobsOptions {
  readonly coordinator: Pick<Coordinator, 'get'>;
  readonly store: Store;
  readonly workers: () => readonly WorkerStatus[];
  /** Whose jobs Renders may change. */
  readonly owner: string;
}

/** What a job's runs have cost, in seconds: each counts from its own beginning. */
interface Run {
  readonly active: ActiveJob;
  readonly before: number;
  /** With this one, as far as it was seen. */
  readonly total: number;
}

export class SeenJobs {
  readonly #options: SeenJobsOptions;
  readonly #runs = new Map<string, Run>();

  constructor(options: SeenJobsOptions) {
    this.#options = options;
  }

  /** The jobs of these Renders, by id; those that were deleted are not in it. */
  async of(renders: readonly Render[]): Promise<ReadonlyMap<string, SeenJob>> {
    const seen = new Map<string, SeenJob>();
    for (const { status } of renders) {
      const { jobId } = status;
      if (jobId === undefined || seen.has(jobId)) continue;
      const view = this.#view(jobId);
      if (view === undefined) continue;
      const isToldOver = status.finishedAt !== undefined;
      const seconds = isToldOver ? undefined : await this.#seconds(view, status.gpuSeconds ?? 0);
      seen.set(jobId, this.#jobOf(view, seconds));
    }
    for (const jobId of this.#runs.keys()) if (!seen.has(jobId)) this.#runs.delete(jobId);
    return seen;
  }

  #view(jobId: string): JobView | undefined {
    try {
      return this.#options.coordinator.get(jobId);
    } catch (reason) {
      if (BivdiffError.from(reason).code === 'not-found') return undefined;
      throw reason;
    }
  }

  #jobOf(view: JobView, seconds: number | undefined): SeenJob {
    const { jobId, state, facts, active, numerics } = view;
    const { owner, workers } = this.#options;
    const isOpen = state === 'queued' || state === 'running';
    const isPlanned = active?.tally.left !== undefined;
    const tasks = [...(active?.tally.stages.values() ?? [])].reduce(
      (sum, one) => sum + one.total,
      0,
    );
    return {
      ...{ jobId, state, priority: facts.priority },
      isOurs: facts.owner === owner || facts.owner === '',
      fraction: fractionOf(view),
      secondsLeft: active?.tally.secondsLeft,
      gpuSeconds: seconds,
      tasks: isPlanned ? tasks : undefined,
      waitingFor: isOpen && numerics !== undefined ? (waitsFor(numerics, workers()) ?? '') : '',
      failure: facts.failure,
    };
  }

  /** Of all its runs, as far as the Render has been told of those before. Undefined: nothing is known anew. */
  async #seconds({ jobId, state, active }: JobView, told: number): Promise<number | undefined> {
    const known = this.#runs.get(jobId);
    if (active !== undefined) {
      // A coordinator that has begun knows of runs before only what the Render was told.
      const before = known?.active === active ? known.before : (known?.total ?? told);
      const total = before + sumOf([...active.tally.stages.values()]);
      this.#runs.set(jobId, { active, before, total });
      return total;
    }
    if (state !== 'done') return known?.total;
    const manifest = await readManifest(this.#options.store, jobId);
    return (known?.before ?? 0) + sumOf(Object.values(manifest?.stages ?? {}));
  }
}

function sumOf(stages: readonly { readonly seconds: number }[]): number {
  return stages.reduce((sum, { seconds }) => sum + seconds, 0);
}
