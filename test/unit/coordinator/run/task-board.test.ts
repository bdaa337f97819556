// When tasks are ready whose inputs were there and are lost.

import { beforeEach, describe, expect, it } from 'vitest';

import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import type { TaskNumber } from '../../../../coordinator/domain/task-graph.ts';
import { TaskBoard } from '../../../../coordinator/run/task-board.ts';
import { acceptedJob } from '../../../support/jobs.ts';

/** Windows of 8 at 0, 4, 8 and 12: the second reads the first three of the step before. */
const graph = createTaskGraph(
  createPlan(acceptedJob({ frames: 20, long: { mode: 'co-denoise', stride: 4, block: 1 } })),
);
const step = (number: number, index: number): TaskNumber =>
  graph.number({ node: `smooth/${number}`, index });
const before = [0, 1, 2, 3].map((index) => step(5, index));
const [reader, other] = [step(6, 1), step(6, 0)];

let board: TaskBoard;
beforeEach(() => {
  board = new TaskBoard(graph);
  board.require([...before, reader, other]);
});

/** In the order in which they are published. */
function take(count: number): TaskNumber[] {
  return Array.from({ length: count }, () => board.takeNext('vdm')!);
}

describe('a task whose input is lost', () => {
  it('while it waits for another is ready when both are there again', () => {
    take(4);
    for (const index of [0, 1]) board.settle(before[index]!);
    expect(take(1)).toEqual([other]);
    board.lose(before[0]!);
    board.require([before[0]!]);
    board.settle(before[2]!);
    expect(take(1)).toEqual([before[0]]);
    expect(board.readyCount('vdm')).toBe(0);
    board.settle(before[0]!);
    expect(take(1)).toEqual([reader]);
  });

  it('when it is ready, is not published before that is there again', () => {
    take(4);
    for (const task of before) board.settle(task);
    expect(board.readyCount('vdm')).toBe(2);
    board.lose(before[2]!);
    board.require([before[2]!]);
    expect(take(2).sort()).toEqual([before[2], other].sort());
    expect(board.readyCount('vdm')).toBe(0);
    board.settle(before[2]!);
    expect(take(1)).toEqual([reader]);
  });
});
