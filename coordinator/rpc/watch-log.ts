// RenderService.WatchLog: all that is known of a job, and, for who follows, what happens until it is over.

import type { ServerWritableStream } from '@grpc/grpc-js';

import { BivdiffError } from '../../common/errors.ts';
import { LogLine } from '../../common/gen/bivdiff/v1/job_log.ts';
import type {
  WatchLogRequest,
  WatchLogResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import type { JobEntry } from '../jobs/known-jobs.ts';
import type { TaskEvent } from '../jobs/job-history.ts';
import { isOver } from '../jobs/job-log.ts';
import { inTime, lineOfEntry, lineOfEvent } from './messages/log-message.ts';
import { sendMessage } from '../../common/rpc/send.ts';

/** What happens closer together than this goes in one message. */
const GATHER_MS = 100;
/** Of the lines in one message. */
const MESSAGE_BYTES_MAX = 64 << 10;
/** Of what has happened since a reader came and is not sent; one that is slower is told to come again. */
const UNSENT_BYTES_MAX = 1 << 20;

type Call = ServerWritableStream<WatchLogRequest, WatchLogResponse>;

export async function watchLog(
  call: Call,
  entry: Pick<JobEntry, 'log' | 'history' | 'watch'>,
): Promise<void> {
  const { follow } = call.request;
  const { log, history } = entry;
  const fresh: LogLine[] = [];
  const events = new EventLines();
  let wake = Promise.withResolvers<undefined>();
  let entriesTaken = 0;
  const takeEntries = (): void => {
    for (const entry of log.entries.slice(entriesTaken)) fresh.push(lineOfEntry(entry));
    entriesTaken = log.entries.length;
    wake.resolve(undefined);
  };
  const unlisten = history.listen((event) => {
    events.add(event);
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
    events.addBefore(before);
    takeEntries();
    for (;;) {
      for (const lines of inMessages(inTime(fresh.splice(0), events.take()))) {
        if (!(await sendMessage(call, { lines: [...lines] }, bytesOf(lines)))) return;
        if (events.areTooMany) throw tooSlow();
      }
      if (fresh.length + events.count > 0) continue;
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

/** What happened to tasks and is not sent. Once it is too much no more is kept: the reader has missed something. */
class EventLines {
  #events: TaskEvent[] = [];
  #bytes = 0;
  #areTooMany = false;

  get count(): number {
    return this.#events.length;
  }

  get areTooMany(): boolean {
    return this.#areTooMany;
  }

  add(event: TaskEvent): void {
    if (this.#areTooMany) return;
    this.#events.push(event);
    this.#bytes += sizeOf(lineOfEvent(event));
    this.#areTooMany = this.#bytes > UNSENT_BYTES_MAX;
  }

  /** The history, some of which may have been added already. */
  addBefore(before: readonly TaskEvent[]): void {
    const known = new Set(before);
    this.#events = [...before, ...this.#events.filter((event) => !known.has(event))];
  }

  take(): readonly LogLine[] {
    this.#bytes = 0;
    return this.#events.splice(0).map(lineOfEvent);
  }
}

function* inMessages(lines: readonly LogLine[]): Generator<readonly LogLine[], void, undefined> {
  let message: LogLine[] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = sizeOf(line);
    if (message.length > 0 && bytes + size > MESSAGE_BYTES_MAX) {
      yield message;
      message = [];
      bytes = 0;
    }
    message.push(line);
    bytes += size;
  }
  if (message.length > 0) yield message;
}

function bytesOf(lines: readonly LogLine[]): number {
  return lines.reduce((sum, line) => sum + sizeOf(line), 0);
}

function sizeOf(line: LogLine): number {
  return LogLine.encode(line).finish().byteLength;
}

function tooSlow(): BivdiffError {
  return new BivdiffError('resource-exhausted', 'this reader of a log is too slow', {
    hint: 'Read it again: the job goes on.',
  });
}
