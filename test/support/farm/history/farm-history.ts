// What a farm's events say: what was begun, and how often.

import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import type { TaskId } from '../../../../common/task.ts';

/** What this worker has begun and said no end of. */
export function unfinishedIn(events: readonly WorkerEvent[], worker: string): readonly TaskId[] {
  const tasks = new Set<TaskId>();
  for (const event of events) {
    if (event.worker !== worker) continue;
    if (event.kind === 'started') tasks.add(event.taskId);
    if (event.kind === 'committed' || event.kind === 'failed') tasks.delete(event.taskId);
  }
  return [...tasks];
}

/** What each worker said of each task, in short. */
export function linesOf(events: readonly WorkerEvent[]): readonly string[] {
  return events
    .filter(({ kind }) => kind !== 'progress')
    .map((event) => `${event.kind} ${event.taskId.slice(0, 8)} ${event.worker}`);
}

/** How often each task was begun. A worker that is not heard says so again; that is no other start. */
export function startsIn(events: readonly WorkerEvent[]): ReadonlyMap<TaskId, number> {
  const starts = new Map<TaskId, number>();
  const open = new Set<string>();
  for (const { kind, taskId, worker } of events) {
    const run = `${taskId} ${worker}`;
    if (kind === 'started' && !open.has(run)) starts.set(taskId, (starts.get(taskId) ?? 0) + 1);
    if (kind === 'started') open.add(run);
    if (kind === 'committed' || kind === 'failed') open.delete(run);
  }
  return starts;
}
