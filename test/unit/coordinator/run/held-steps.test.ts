// Which steps may be held, who is said to hold them, and what is lost with whom.

import { beforeEach, describe, expect, it } from 'vitest';

import type { TaskMessage } from '../../../../common/bus/ports.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { digestText } from '../../../../common/digest.ts';
import type { ResultRecord } from '../../../../common/task.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import type { TaskNumber } from '../../../../coordinator/domain/task-graph.ts';
import { LONE_WORKER } from '../../../../coordinator/ports.ts';
import { HeldSteps } from '../../../../coordinator/run/held-steps.ts';
import { SharedHolds } from '../../../../coordinator/run/shared-holds.ts';
import { acceptedJob } from '../../../support/jobs.ts';

/** Windows of 8 at 0, 4, 8 and 12. */
const graph = createTaskGraph(
  createPlan(acceptedJob({ frames: 20, long: { mode: 'co-denoise', stride: 4, block: 1 } })),
);
const step = (number: number, index: number): TaskNumber =>
  graph.number({ node: `smooth/${number}`, index });
const idOf = (task: TaskNumber) => graph.plan.id(graph.ref(task));
const there = new Set(['a', 'b']);

let steps: HeldSteps;
let done: Set<TaskNumber>;
/** What workers were told to drop. */
let dropped: string[];
beforeEach(() => {
  const memoryOf = (worker: string): number | undefined => (there.has(worker) ? 1 : undefined);
  done = new Set();
  dropped = [];
  const holds = new SharedHolds((worker, digests) => {
    for (const digest of digests) dropped.push(`${worker} ${digest}`);
  });
  steps = new HeldSteps(graph, { workers: { ...LONE_WORKER, memoryOf }, holds });
});

function outputsOf(task: TaskNumber): ResultRecord['outputs'] {
  const shape = [8, 4, 16, 16];
  const digest = digestText(String(task));
  return { latents: [{ digest, bytes: 32_768, type: 'tensor/float32', shape }] };
}

interface Made {
  readonly worker?: string;
  readonly seconds?: number;
  readonly storingSeconds?: number;
}

function settle(task: TaskNumber, made: Made = {}): void {
  const { worker = 'a', seconds = 0.1, storingSeconds } = made;
  const result = { stage: 'smooth', worker, attempt: 1, seconds, busySeconds: seconds } as const;
  const event = {
    ...({ kind: 'committed', taskId: idOf(task), worker, attempt: 1, result } as const),
    ...(storingSeconds === undefined ? { held: outputsOf(task) } : { storingSeconds }),
  };
  done.add(task);
  steps.settle(task, event, (reader) => !done.has(reader));
}

const mayHold = (number: number): boolean => steps.ofMessage(step(number, 0)).mayHold === true;
const heldFor = (message: Pick<TaskMessage, 'held'>): string[] =>
  Object.entries(message.held ?? {}).map(([id, { worker }]) => `${id.slice(0, 8)} ${worker}`);

describe('steps', () => {
  it('are stored until storing was measured, then as seldom as keeps it to 2 % of the time', () => {
    expect(mayHold(1)).toBe(false);
    settle(step(1, 0), { seconds: 1.1, storingSeconds: 0.1 });
    // A tenth of a step's second: every fifth.
    expect([2, 3, 4, 5, 6, 7, 8, 9, 10].filter((one) => !mayHold(one))).toEqual([5, 10]);
  });

  it('are all stored where that takes next to no time', () => {
    settle(step(1, 0), { seconds: 1, storingSeconds: 0.01 });
    expect([2, 3, 4].some(mayHold)).toBe(false);
  });

  it('are no other tasks', () => {
    settle(step(1, 0), { seconds: 1.1, storingSeconds: 0.1 });
    expect(steps.ofMessage(graph.number({ node: 'decode', index: 0 }))).toEqual({});
  });
});

describe('what is held', () => {
  it('is named in the messages of those that read it, until they are done', () => {
    for (const index of [0, 1, 2, 3]) settle(step(1, index), { worker: index < 2 ? 'a' : 'b' });
    const named = [0, 1, 2].map((index) => {
      return `${idOf(step(1, index)).slice(0, 8)} ${index < 2 ? 'a' : 'b'}`;
    });
    expect(heldFor(steps.ofMessage(step(2, 1)))).toEqual(named);
    for (const index of [0, 1]) settle(step(2, index));
    expect(steps.has(step(1, 0))).toBe(false);
    expect([1, 2, 3].every((index) => steps.has(step(1, index)))).toBe(true);
  });

  it('is dropped by its holder as soon as all its readers are done', () => {
    const named = (index: number, worker = 'a') =>
      `${worker} ${digestText(String(step(1, index)))}`;
    for (const index of [0, 1, 2, 3]) settle(step(1, index));
    settle(step(2, 0));
    expect(dropped).toEqual([]);
    settle(step(2, 1));
    expect(dropped).toEqual([named(0)]);
    settle(step(2, 2));
    expect(dropped).toEqual([named(0), named(1)]);
    // Made again elsewhere meanwhile: the first is needed no more.
    settle(step(1, 3), { worker: 'b' });
    expect(dropped.slice(2)).toEqual([named(3)]);
    steps.dropAll();
    expect(dropped).toContain(named(3, 'b'));
    expect(dropped).toHaveLength(new Set(dropped).size);
  });

  it('is kept to the end of the job once a step was lost: readers that are done may have to run again', () => {
    for (const index of [0, 1, 2, 3]) settle(step(1, index));
    settle(step(1, 3), { worker: 'b' });
    expect(dropped).toHaveLength(1);
    steps.lose(step(1, 3));
    expect(dropped).toHaveLength(2);
    for (const index of [0, 1, 2]) settle(step(2, index));
    expect(dropped).toHaveLength(2);
    expect([0, 1, 2].every((index) => steps.has(step(1, index)))).toBe(true);
    steps.dropAll();
    expect(dropped).toHaveLength(2 + 6);
  });

  it('is kept while another job needs it', () => {
    const told: string[] = [];
    const holds = new SharedHolds((worker) => told.push(worker));
    const result = { worker: 'a', outputs: outputsOf(step(1, 0)) };
    for (let job = 0; job < 2; job += 1) holds.need(result);
    holds.release(result);
    expect(told).toEqual([]);
    holds.release(result);
    expect(told).toEqual(['a']);
  });

  it('is lost alone where its holder is still there, and with all else where it has gone', () => {
    for (const index of [0, 1, 2, 3])
      settle(step(1, index), { worker: index === 3 ? 'b' : 'gone' });
    settle(step(1, 3), { worker: 'b' });
    steps.lose(step(1, 3));
    expect([0, 1, 2, 3].filter((index) => steps.has(step(1, index)))).toEqual([0, 1, 2]);
    steps.lose(step(1, 0));
    expect([0, 1, 2, 3].filter((index) => steps.has(step(1, index)))).toEqual([]);
  });

  it('is stored the next time', () => {
    settle(step(1, 0), { seconds: 1.1, storingSeconds: 0.1 });
    settle(step(2, 0));
    expect(mayHold(2)).toBe(true);
    steps.lose(step(2, 0));
    expect(mayHold(2)).toBe(false);
  });

  it('is not asked for once more where a reader runs again, nor kept for readers that are done', () => {
    for (const index of [0, 1, 2]) settle(step(1, index));
    settle(step(2, 0));
    settle(step(2, 0));
    expect(steps.has(step(1, 0))).toBe(true);
    settle(step(2, 1));
    expect(steps.has(step(1, 0))).toBe(false);
    settle(step(1, 0));
    expect(steps.has(step(1, 0))).toBe(true);
  });

  it('is no more where holders that are there could not be reached again and again', () => {
    settle(step(1, 0), { seconds: 1.1, storingSeconds: 0.1 });
    for (const index of [1, 2, 3]) settle(step(1, index), { worker: 'b' });
    expect(mayHold(3)).toBe(true);
    for (const index of [1, 2, 3]) steps.lose(step(1, index));
    expect(mayHold(3)).toBe(false);
  });

  it('is told from other lost inputs', () => {
    const failure = (task: TaskNumber, code: 'data-loss' | 'internal' = 'data-loss') =>
      new BivdiffError(code, 'gone', { details: { lostTasks: [idOf(task)], held: true } }).toJSON();
    const stored = new BivdiffError('data-loss', 'damaged', {
      details: { lostTasks: [idOf(step(1, 0))] },
    });
    expect(steps.wereLost(step(2, 1), stored.toJSON())).toBe(false);
    expect(steps.wereLost(step(2, 1), failure(step(1, 0)))).toBe(true);
    expect(steps.wereLost(step(2, 1), failure(step(1, 0), 'internal'))).toBe(false);
    expect(steps.wereLost(step(2, 1), failure(step(1, 3)))).toBe(false);
    const mix = graph.number({ node: 'mix', index: 0 });
    expect(steps.wereLost(step(1, 0), failure(mix))).toBe(false);
  });
});
