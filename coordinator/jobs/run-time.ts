// For how long a job has run: over all its runs, without what lay between them. Its log has how long by the last beginning or end of
// a run; of a run whose coordinator ended without a word it has the beginning alone.

import { BivdiffError } from '../../common/errors.ts';
import type { ActiveJob } from '../run/active-job.ts';
import type { JobFacts, JobLog } from './job-log.ts';

export class RunTime {
  readonly #log: JobLog;
  readonly #nowMs: () => number;
  /** What the run that is open in the log had come to when it was left; undefined: it is none of this coordinator's. */
  #left: number | undefined;

  constructor(log: JobLog, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** By now. */
  seconds(active: ActiveJob | undefined): number {
    return this.ended(active) ?? this.#log.facts?.seconds ?? 0;
  }

  /** By the end of its last run, for the log; undefined: there is none that the log has not got. */
  ended(active: ActiveJob | undefined): number | undefined {
    return active?.seconds ?? this.#left;
  }

  /**
   * The job has a new run, which knows by now what the store has of it. The log gets to know, unless that is all or it has the one before
   * as open: the store may go away and come back many times. Where the store does not take it, the job runs all the same.
   */
  async begun(active: ActiveJob, onTrouble: (error: BivdiffError) => void): Promise<void> {
    if (this.#left !== undefined) return;
    active.secondsBefore += unendedSeconds(this.#log.facts, active.lastResultAtMs, this.#nowMs());
    if (active.run.isOver) return;
    const { seconds } = active;
    this.#left = seconds;
    const entry = { kind: 'begun', seconds, atMs: this.#nowMs() } as const;
    await this.#log.append(entry).catch((reason: unknown) => {
      onTrouble(BivdiffError.from(reason));
    });
  }

  /** Its run was left, and the log could not be told. */
  left(active: ActiveJob): void {
    if (this.#left !== undefined) this.#left = active.seconds;
  }

  /** The log has it. */
  logged(): void {
    this.#left = undefined;
  }
}

/** Nobody knows when a coordinator died: its run counts up to the last result that came of it. */
function unendedSeconds(
  facts: JobFacts | undefined,
  lastResultAtMs: number | undefined,
  nowMs: number,
): number {
  if (facts?.begunAtMs === undefined || lastResultAtMs === undefined) return 0;
  // Results have their workers' clocks.
  return Math.max(0, Math.min(lastResultAtMs, nowMs) - facts.begunAtMs) / 1000;
}
