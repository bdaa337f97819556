// Writes down what happened to the tasks of jobs. Nothing depends on it: what the store does not take now is tried again.

import { BivdiffError } from '../../common/errors.ts';
import { mapBounded } from '../map-bounded.ts';
import type { JobEntry } from './known-jobs.ts';

const FLUSHES_AT_ONCE = 16;

/** Never fails. */
export async function flushHistories(
  entries: readonly JobEntry[],
  onTrouble: (error: BivdiffError) => void,
): Promise<void> {
  await mapBounded(entries, FLUSHES_AT_ONCE, async ({ history, jobId }) => {
    await history.flush().catch((reason: unknown) => {
      onTrouble(BivdiffError.from(reason, `the history of job ${jobId.slice(0, 12)}`));
    });
  });
}
