// The accepted spec of a job that is to run; one that is gone for good is the end of it.

import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId } from '../../common/task.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { readAcceptedJob } from '../jobs/finished-frames.ts';

/** Undefined: there is none any more, and `onGone` was told. @throws as the store */
export async function specOf(
  store: Store,
  jobId: JobId,
  onGone: (error: BivdiffError) => Promise<void>,
): Promise<AcceptedJob | undefined> {
  try {
    return await readAcceptedJob(store, jobId);
  } catch (reason) {
    const error = BivdiffError.from(reason);
    if (error.code !== 'data-loss') throw error;
    await onGone(error);
    return undefined;
  }
}
