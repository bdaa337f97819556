// RenderService.WatchJob: the job as it is, at the pace of the reader. Whoever reads slowly misses what was between.

import type { ServerWritableStream } from '@grpc/grpc-js';

import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import { WatchJobResponse } from '../../common/gen/bivdiff/v1/render_service.ts';
import type { WatchJobRequest } from '../../common/gen/bivdiff/v1/render_service.ts';
import { sendMessage } from '../../common/rpc/send.ts';
import { isOver } from '../jobs/job-log.ts';
import type { JobState } from '../jobs/job-log.ts';

/** Changes closer together than this are sent as one. */
const GATHER_MS = 100;

export interface WatchedJob {
  /** As it is now. */
  readonly read: () => Promise<Job>;
  /** Calls back at every change; the returned function ends it. */
  readonly watch: (onChange: () => void) => () => void;
}

/** Resolves when the job is over, or the reader has gone. @throws not-found — the job was deleted */
export async function watchJob(
  call: ServerWritableStream<WatchJobRequest, WatchJobResponse>,
  { read, watch }: WatchedJob,
): Promise<void> {
  let changed = Promise.withResolvers<undefined>();
  const wake = (): void => {
    changed.resolve(undefined);
  };
  const isGone = (): boolean => call.cancelled;
  const unwatch = watch(wake);
  call.once('cancelled', wake);
  try {
    while (!isGone()) {
      changed = Promise.withResolvers();
      const job = await read();
      const bytes = WatchJobResponse.encode({ job }).finish().byteLength;
      if (!(await sendMessage(call, { job }, bytes)) || isOver(job.state as JobState)) return;
      await changed.promise;
      if (!isGone()) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    }
  } finally {
    unwatch();
    call.off('cancelled', wake);
  }
}
