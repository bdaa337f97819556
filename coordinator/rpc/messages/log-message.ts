// From a job's log and the history of its tasks to lines for the wire.

import type { LogLine } from '../../../common/gen/bivdiff/v1/job_log.ts';
import type { TaskEvent } from '../../jobs/job-history.ts';
import type { JobLogEntry } from '../../jobs/job-log.ts';
import { shownFailure } from './job-message.ts';

export function lineOfEntry(entry: JobLogEntry): LogLine {
  return {
    atMs: entry.atMs,
    kind: entry.kind,
    message: textOfEntry(entry),
    task: undefined,
    worker: '',
    failure: entry.kind === 'failed' ? shownFailure(entry.failure) : undefined,
  };
}

export function lineOfEvent(event: TaskEvent): LogLine {
  const { atMs, kind, taskId, stage, frames, attempt = 0, worker = '', failure } = event;
  const [firstFrame, lastFrame] = frames ?? [0, 0];
  return {
    atMs,
    kind: `task-${kind}`,
    message: textOfEvent(event),
    task: { id: taskId, stage, firstFrame, lastFrame, attempt },
    worker,
    failure:
      failure === undefined
        ? undefined
        : { ...failure, retry: '', hint: '', detailsJson: '', cause: undefined },
  };
}

/** Entries that what happened to tasks leads to; all others go before it. */
const ENDINGS = new Set<string>([
  'paused',
  'cancelled',
  'failed',
  'done',
] satisfies JobLogEntry['kind'][]);

/** Both oldest first, as one; what happened in one millisecond stands with what it led to last. */
export function inTime(entries: readonly LogLine[], events: readonly LogLine[]): LogLine[] {
  const isEnding = ({ kind }: LogLine): boolean => ENDINGS.has(kind);
  const openings = entries.filter((entry) => !isEnding(entry));
  return [...openings, ...events, ...entries.filter(isEnding)].sort((a, b) => a.atMs - b.atMs);
}

function textOfEntry(entry: JobLogEntry): string {
  switch (entry.kind) {
    case 'submitted': {
      const { name, priority, owner = '' } = entry;
      const called = name === '' ? '' : ` as ${name}`;
      return `submitted${called}${owner === '' ? '' : ` by ${owner}`}, priority ${priority}`;
    }
    case 'joined':
      return 'another owner has submitted the same render';
    case 'priority':
      return `priority ${entry.priority}`;
    case 'begun':
      return entry.seconds < 1 ? 'begun' : `begun again after ${entry.seconds.toFixed(1)} s`;
    case 'failed':
      return `failed: ${entry.failure.message}`;
    case 'done':
      return `done after ${entry.seconds.toFixed(1)} s`;
    default:
      return entry.kind;
  }
}

function textOfEvent(event: TaskEvent): string {
  const { kind, stage, frames, worker = '', attempt, failure, delayMs = 0, doneSteps } = event;
  const what = frames === undefined ? stage : `${stage} of ${placeOf(frames)}`;
  const begun = doneSteps === undefined ? 'begun' : `continued after step ${doneSteps}`;
  const tried = attempt === undefined || attempt === 1 ? '' : `, attempt ${attempt}`;
  switch (kind) {
    case 'begun':
      return `${what} ${begun} by ${worker}${tried}`;
    case 'failed':
      return `${what} failed on ${worker}${tried}: ${failure?.code}: ${failure?.message}`;
    case 'retried':
      return `${what} will be tried again after ${delayMs} ms`;
    case 'lost':
      return `${what}: worker ${worker} was lost while it ran`;
    case 'copied':
      return `${what} takes very long on ${worker}: another worker may begin it too`;
    case 'healed':
      return `${what} runs again: its result was lost`;
    case 'diverged':
      return `${what}: ${worker} made other bytes than ${event.otherWorker}, whose stay; a defect`;
    case 'set-aside':
      return `${worker} is set aside for ${stage}: it failed several while others succeeded`;
  }
}

function placeOf([first, last]: readonly [number, number]): string {
  return first === last ? `frame ${first}` : `frames ${first} to ${last}`;
}
