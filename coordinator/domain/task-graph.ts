// A plan as numbers: every task has one, node by node, and edges lie in flat arrays. So that 100,000 frames are
// some megabytes, and walking the graph allocates nothing.

import { numericsKeyOf } from '../../common/stage-facts.ts';
import type { Plan, TaskRef } from './plan.ts';
import type { Stage } from '../../common/task.ts';

/** Number of a task in its graph: 0..size-1, in pipeline order, so a task's dependencies have lower numbers. */
export type TaskNumber = number;

export interface TaskGraph {
  readonly plan: Plan;
  readonly size: number;
  /** Of its job's numerics classes. */
  readonly numericsKey: string;
  number(ref: TaskRef): TaskNumber;
  ref(task: TaskNumber): TaskRef;
  stage(task: TaskNumber): Stage;
  /** As the plan node's. */
  step(task: TaskNumber): number | undefined;
  dependencies(task: TaskNumber): Uint32Array;
  dependents(task: TaskNumber): Uint32Array;
  /** Tasks of the earliest frames first, and of those the ones furthest down the pipeline: windows complete in order.
   * Steps of windows instead by step, and then by frames. */
  priority(task: TaskNumber): number;
}

/** Numbers the tasks of a plan and lays out its edges. Time and memory are linear in tasks and edges. */
export function createTaskGraph(plan: Plan): TaskGraph {
  const { nodes } = plan;
  const firsts: number[] = [];
  const orders = new Map<string, number>();
  let size = 0;
  for (const [order, { name, count }] of nodes.entries()) {
    firsts.push(size);
    orders.set(name, order);
    size += count;
  }
  const orderOf = (task: TaskNumber): number => {
    let low = 0;
    let high = nodes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (firsts[middle]! > task) high = middle - 1;
      else low = middle;
    }
    return low;
  };
  const refIn = (order: number, task: TaskNumber): TaskRef => ({
    node: nodes[order]!.name,
    index: task - firsts[order]!,
  });
  const ref = (task: TaskNumber): TaskRef => refIn(orderOf(task), task);
  const number = ({ node, index }: TaskRef): TaskNumber => firsts[orders.get(node)!]! + index;

  const down = new EdgeLists(size);
  for (let task = 0; task < size; task += 1) {
    down.append(task, plan.dependencies(ref(task)).map(number));
  }
  const up = down.reversed();
  return {
    plan,
    size,
    numericsKey: numericsKeyOf(plan.job.numerics),
    number,
    ref,
    dependencies: (task) => down.of(task),
    dependents: (task) => up.of(task),
    stage: (task) => nodes[orderOf(task)]!.stage,
    step: (task) => nodes[orderOf(task)]!.step,
    priority: (task) => {
      const order = orderOf(task);
      const lastFrame = plan.lastFrame(refIn(order, task));
      // Nobody runs ahead of what its neighbours need next.
      if (nodes[order]!.step !== undefined) return order * plan.job.frames + lastFrame;
      const furtherDownFirst = nodes.length - 1 - order;
      return lastFrame * nodes.length + furtherDownFirst;
    },
  };
}

/** Adjacency lists in two flat arrays (compressed sparse rows). Rows are appended in order. */
class EdgeLists {
  readonly #starts: Uint32Array;
  readonly #targets: number[] = [];
  #flat: Uint32Array | undefined;

  constructor(rows: number) {
    this.#starts = new Uint32Array(rows + 1);
  }

  append(row: number, targets: readonly number[]): void {
    for (const target of targets) this.#targets.push(target);
    this.#starts[row + 1] = this.#targets.length;
  }

  of(row: number): Uint32Array {
    this.#flat ??= Uint32Array.from(this.#targets);
    return this.#flat.subarray(this.#starts[row], this.#starts[row + 1]);
  }

  reversed(): { of(row: number): Uint32Array } {
    const rows = this.#starts.length - 1;
    const starts = new Uint32Array(rows + 1);
    for (const target of this.#targets) starts[target + 1] = starts[target + 1]! + 1;
    for (let row = 0; row < rows; row += 1) starts[row + 1] = starts[row + 1]! + starts[row]!;
    const next = starts.slice();
    const targets = new Uint32Array(this.#targets.length);
    for (let row = 0; row < rows; row += 1) {
      for (const target of this.of(row)) {
        targets[next[target]!] = row;
        next[target] = next[target]! + 1;
      }
    }
    return { of: (row) => targets.subarray(starts[row], starts[row + 1]) };
  }
}
