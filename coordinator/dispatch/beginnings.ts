// When queued jobs are made active: one after the other, since only once it is known what of the last one must run is it known whether
// there is room for more. One that takes long to look up does not keep the others. Nobody waits for it.

import type { JobId } from '../../common/task.ts';
import type { Clock } from '../ports.ts';

/** What takes longer than this is slow; the others go on beside so many slow ones. */
const SLOW_MS = 250;
const SLOW_MAX = 3;

export interface BeginningsOptions {
  readonly clock: Clock;
  /** Which job shall begin, if one shall. */
  readonly next: () => JobId | undefined;
  /** Afterwards it is not the next any more. */
  readonly begin: (jobId: JobId) => Promise<void>;
  /** Told of a job that could not be begun now. It is tried again with the next look. */
  readonly onTrouble: (reason: unknown) => void;
}

export class Beginnings {
  readonly #options: BeginningsOptions;
  #current: JobId | undefined;
  readonly #slow = new Set<JobId>();

  constructor(options: BeginningsOptions) {
    this.#options = options;
  }

  /** To be called when something may have changed that decides which job begins. */
  look(): void {
    if (this.#current !== undefined || this.#slow.size >= SLOW_MAX) return;
    const jobId = this.#options.next();
    if (jobId !== undefined && !this.#slow.has(jobId)) void this.#begin(jobId);
  }

  async #begin(jobId: JobId): Promise<void> {
    const { clock, begin, onTrouble } = this.#options;
    this.#current = jobId;
    const callOff = clock.after(SLOW_MS, () => {
      this.#current = undefined;
      this.#slow.add(jobId);
      this.look();
    });
    const outcome = await begin(jobId).then(
      () => 'begun' as const,
      (reason: unknown) => {
        onTrouble(reason);
        return 'not-now' as const;
      },
    );
    callOff();
    if (!this.#slow.delete(jobId)) this.#current = undefined;
    if (outcome === 'begun') this.look();
  }
}
