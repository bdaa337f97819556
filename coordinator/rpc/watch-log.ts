// RenderService.WatchLog: all that is known of a job, and, for who follows, what happens until it is over.

import type { ServerWritableStream } from '@grpc/grpc-js';

import { BivdiffError } from '../../common/errors.ts';
import type { LogLine } from '../../common/gen/bivdiff/v1/job_log.ts';
import type {
  WatchLogRequest,
  WatchLogResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import type { JobEntry } from '../jobs/known-jobs.ts';
import type { TaskEvent } from '../jobs/job-history.ts';
import { isOver } from '../jobs/job-log.ts';
import { inTime, lineOfEntry, lineOfEvent } from './log-message.ts';
import { sendMessage } from '../../common/rpc/send.ts';

/** What happens closer together than this goes in one message. */
const GATHER_MS = 100;
/** Lines in one message. */
const LINES_MAX = 500;
/** Unsent lines of one reader; one that is slower is told to come again. */
const UNSENT_MAX = 20_000;

type Call = ServerWritableStream<WatchLogRequest, WatchLogResponse>;

export async function watchLog(
  call: Call,
  entry: Pick<JobEntry, 'log' | 'history' | 'watch'>,
): Promise<void> {
  const { follow } = call.request;
  const { log, history } = entry;
  const fresh: LogLine[] = [];
  const events: TaskEvent[] = [];
  let wake = Promise.withResolvers<undefined>();
  let entriesTaken = 0;
  const takeEntries = (): void => {
    for (const entry of log.entries.slice(entriesTaken)) fresh.push(lineOfEntry(entry));
    entriesTaken = log.entries.length;
    wake.resolve(undefined);
  };
  const unlisten = history.listen((event) => {
    events.push(event);
    wake.resolve(undefined);
  });
  const unwatch = entry.watch(takeEntries);
  const isGone = (): boolean => call.cancelled;
  call.once('cancelled', () => {
    wake.resolve(undefined);
  });
  try {
    const before = await history.read();
    // What came while the store was read is in both.
    const known = new Set(before);
    events.splice(0, Infinity, ...before, ...events.filter((event) => !known.has(event)));
    takeEntries();
    for (;;) {
      if (events.length > UNSENT_MAX) throw tooSlow();
      const lines = inTime(fresh.splice(0), events.splice(0).map(lineOfEvent));
      for (let at = 0; at < lines.length; at += LINES_MAX) {
        if (!(await sendMessage(call, { lines: lines.slice(at, at + LINES_MAX) }))) return;
      }
      if (fresh.length + events.length > 0) continue;
      if (!follow || isOver(log.facts?.state) || isGone()) return;
      await wake.promise;
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      wake = Promise.withResolvers<undefined>();
      if (isGone()) return;
    }
  } finally {
    unlisten();
    unwatch();
  }
}

function tooSlow(): BivdiffError {
  return new BivdiffError('resource-exhausted', 'this reader of a log is too slow', {
    hint: 'Read it again: the job goes on.',
  });
}
