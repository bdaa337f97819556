// How long tasks that read each other take on a number of slots, worked out by giving each free slot the first that is ready. Pure.

import { ReadyQueue } from './ready-queue.ts';
import type { TaskGraph, TaskNumber } from './task-graph.ts';
import type { Stage } from '../../common/task.ts';

export interface MakespanOptions {
  /** Tasks at once, at least 1. */
  readonly slots: number;
  readonly secondsOf: (task: TaskNumber) => number;
  /** What a slot's first task of a stage takes more. */
  readonly firstSecondsOf: (stage: Stage) => number;
}

interface Running {
  readonly task: TaskNumber;
  readonly slot: Set<Stage>;
  readonly end: number;
}

/** Seconds from the first task's beginning to the last one's end; `tasks` that they read and that are not among them are there. */
export function makespan(
  graph: TaskGraph,
  tasks: readonly TaskNumber[],
  { slots, secondsOf, firstSecondsOf }: MakespanOptions,
): number {
  const missing = new Set(tasks);
  const waitsFor = new Map<TaskNumber, number>();
  const ready = new ReadyQueue((task) => graph.priority(task));
  for (const task of tasks) {
    const count = graph.dependencies(task).filter((read) => missing.has(read)).length;
    waitsFor.set(task, count);
    if (count === 0) ready.push(task);
  }
  const idle = Array.from({ length: slots }, () => new Set<Stage>());
  const running: Running[] = [];
  let now = 0;
  for (;;) {
    while (idle.length > 0 && ready.size > 0) {
      const [task, slot] = [ready.pop()!, idle.pop()!];
      const stage = graph.stage(task);
      const first = slot.has(stage) ? 0 : firstSecondsOf(stage);
      slot.add(stage);
      running.push({ task, slot, end: now + first + secondsOf(task) });
    }
    if (running.length === 0) return now;
    running.sort((a, b) => b.end - a.end);
    const done = running.pop()!;
    now = done.end;
    idle.push(done.slot);
    for (const next of graph.dependents(done.task)) {
      if (!missing.has(next)) continue;
      const left = waitsFor.get(next)! - 1;
      waitsFor.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
}
