// Which tasks of a farm were begun more often than anything explains. A task begins once; once more only after each thing that takes it
// from whoever holds it, or its result from the store. Each explains one start, of this task, and none that came before it.

import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import type { TaskId } from '../../../../common/task.ts';

/** An event, and when the test saw it (`performance.now()`). */
export type SeenEvent = WorkerEvent & { readonly seenMs: number };

/** What a test did to a farm. */
export interface Blow {
  readonly atMs: number;
  /**
   * - `loses`: what this worker holds may be given to another too: it died, or cannot say that it is at it; without a name, any worker's
   *   since the messages are gone
   * - `damages`: the result of this task is gone
   */
  readonly kind: 'loses' | 'damages';
  readonly worker?: string;
  readonly taskId?: TaskId;
}

/**
 * Tasks that a worker of one slot may hold: it runs one; two are at hand, or their results on the way. Whoever had one at hand begins it
 * after the blow.
 */
export const HELD_MAX = 3;

type Started = SeenEvent & { readonly kind: 'started' };

/** Why a task may begin once more. */
interface Cause {
  readonly atMs: number;
  /** Its result is gone. Else two may hold it, which explains nothing that was taken after a result was there. */
  readonly isLoss: boolean;
}

/** A line for each start that nothing explains, in the order in which they were seen. */
export function unexplainedStarts(
  events: readonly SeenEvent[],
  blows: readonly Blow[],
): readonly string[] {
  const causes = causesOf(events, blows);
  const found: { readonly seenMs: number; readonly line: string }[] = [];
  for (const [taskId, starts] of startsOf(events)) {
    const ends = events.filter((event) => event.kind === 'committed' && event.taskId === taskId);
    const all = causes.get(taskId) ?? [];
    const unused = [...all];
    for (const [index, start] of starts.entries()) {
      const commitMs = ends.findLast(({ seenMs }) => seenMs < start.seenMs)?.seenMs;
      const before = ({ atMs }: Cause): boolean => atMs < start.seenMs;
      const isThere =
        commitMs !== undefined &&
        !all.some((cause) => cause.isLoss && cause.atMs > commitMs && before(cause));
      // While its result is there, nothing explains a start but a second holder from before.
      const fits = (cause: Cause): boolean =>
        before(cause) && (!isThere || (!cause.isLoss && cause.atMs < commitMs));
      const cause = unused.findIndex(fits);
      if (index === 0 && commitMs === undefined) continue;
      if (cause >= 0) unused.splice(cause, 1);
      else if (commitMs !== undefined || !isCopy(start, starts[0]!)) {
        const when = commitMs === undefined ? 'again' : 'after it was committed';
        const { seenMs, worker, attempt } = start;
        const line = `${start.stage} ${taskId.slice(0, 8)} began ${when}, on ${worker}, attempt ${attempt}`;
        found.push({ seenMs, line });
      }
    }
  }
  return found.sort((a, b) => a.seenMs - b.seenMs).map(({ line }) => line);
}

/** A slow task has a second copy: another attempt, of which nobody has failed the first. */
function isCopy(start: Started, first: Started): boolean {
  return start.attempt > 1 && start.seenMs - first.seenMs > DEFAULT_FAILURE_POLICY.copyAfterMs;
}

/** By task. One that is not heard is told of again: that is no other start. */
function startsOf(events: readonly SeenEvent[]): ReadonlyMap<TaskId, readonly Started[]> {
  const starts = new Map<TaskId, Started[]>();
  const open = new Set<string>();
  for (const event of events) {
    const { kind, taskId, worker } = event;
    const run = `${taskId} ${worker}`;
    if (kind === 'started' && !open.has(run)) {
      starts.set(taskId, [...(starts.get(taskId) ?? []), event]);
      open.add(run);
    }
    if (kind === 'committed' || kind === 'failed') open.delete(run);
  }
  return starts;
}

function causesOf(
  events: readonly SeenEvent[],
  blows: readonly Blow[],
): ReadonlyMap<TaskId, readonly Cause[]> {
  const causes = new Map<TaskId, Cause[]>();
  const add = (taskId: TaskId, cause: Cause): void => {
    causes.set(taskId, [...(causes.get(taskId) ?? []), cause]);
  };
  const open = new Set<string>();
  for (const event of events) {
    const run = `${event.taskId} ${event.worker}`;
    if (event.kind === 'started') open.add(run);
    if (event.kind === 'committed') open.delete(run);
    if (event.kind !== 'failed') continue;
    // Once, however often it is told of.
    if (open.delete(run)) add(event.taskId, { atMs: event.seenMs, isLoss: false });
    const { lostTasks = [] } = event.failure.details as { lostTasks?: readonly TaskId[] };
    for (const taskId of lostTasks) add(taskId, { atMs: event.seenMs, isLoss: true });
  }
  for (const { kind, atMs, worker, taskId } of blows) {
    if (kind === 'damages') add(taskId!, { atMs, isLoss: true });
    else for (const held of heldAt(events, atMs, worker)) add(held, { atMs, isLoss: false });
  }
  for (const ofTask of causes.values()) ofTask.sort((a, b) => a.atMs - b.atMs);
  return causes;
}

/** What a worker, or each, had begun by then and said no end of; and what it said next, up to as many as it may have had at hand. */
function heldAt(
  events: readonly SeenEvent[],
  atMs: number,
  worker: string | undefined,
): readonly TaskId[] {
  const held = new Map<string, Set<TaskId>>();
  for (const event of events) {
    if (worker !== undefined && event.worker !== worker) continue;
    const ofWorker = held.get(event.worker) ?? new Set();
    held.set(event.worker, ofWorker);
    if (event.kind === 'started' && (event.seenMs < atMs || ofWorker.size < HELD_MAX)) {
      ofWorker.add(event.taskId);
    }
    const isEnd = event.kind === 'committed' || event.kind === 'failed';
    if (isEnd && event.seenMs < atMs) ofWorker.delete(event.taskId);
  }
  return [...held.values()].flatMap((tasks) => [...tasks]);
}
