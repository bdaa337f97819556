// Clips that are longer than a window: what is asked, and which tasks that makes.

import { describe, expect, it } from 'vitest';

import { costUnits } from '../../../../coordinator/domain/cost.ts';
import { longClipOf } from '../../../../coordinator/domain/long-clip.ts';
import { createPlan, tasksOfNode } from '../../../../coordinator/domain/plan.ts';
import type { Plan, TaskRef } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import type { LongClip } from '../../../../recipes/pipeline/job-base.ts';
import type { RenderSpec } from '../../../../recipes/spec/schema.ts';
import { acceptedJob } from '../../../support/jobs.ts';

type Asked = Partial<Pick<RenderSpec, 'frames' | 'long' | 'windowStride' | 'windowBlock'>>;

function ask(asked: Asked, window = 8) {
  const problems: string[] = [];
  return { long: longClipOf({ frames: 24, ...asked }, { window, steps: 50, problems }), problems };
}

describe('longClipOf', () => {
  it.each<[string, Asked, LongClip | undefined]>([
    ['one window', { frames: 8 }, undefined],
    ['a longer clip', {}, { mode: 'co-denoise', stride: 4, block: 1 }],
    [
      'a stride and a block',
      { windowStride: 5, windowBlock: 3 },
      { mode: 'co-denoise', stride: 5, block: 3 },
    ],
    ['a very long clip', { frames: 100_000 }, { mode: 'co-denoise', stride: 4, block: 64 }],
    ['blend', { long: 'blend', windowStride: 6 }, { mode: 'blend', stride: 6 }],
    ['independent', { long: 'independent' }, undefined],
  ])('of %s', (_, asked, long) => {
    expect(ask(asked)).toEqual({ long, problems: [] });
  });

  it('leaves windows of one frame alone', () => {
    expect(ask({}, 1).long).toBeUndefined();
  });

  it.each<[Asked, string]>([
    [{ windowStride: 9 }, 'windowStride: 9 frames, but a window is of 8'],
    [{ long: 'independent', windowStride: 4 }, 'windowStride: is for windows that overlap'],
    [{ long: 'independent', windowBlock: 2 }, 'windowBlock: is for windows that overlap'],
    [{ windowStride: 1, frames: 30_000, windowBlock: 1 }, 'windowBlock: 29993 windows of 50 steps'],
    [{ long: 'blend', windowBlock: 2 }, 'windowBlock: is for long co-denoise'],
  ])('refuses %o', (asked, problem) => {
    expect(ask(asked).problems).toEqual([expect.stringContaining(problem)]);
  });
});

it('takes no more copies of a frame than a task can gather', () => {
  const { problems } = ask({ frames: 512, windowStride: 8 }, 256);
  expect(problems).toEqual([expect.stringContaining('32 copies of each frame, and 16 at most')]);
  expect(ask({ frames: 512, windowStride: 16 }, 256).problems).toEqual([]);
});

/** 20 frames, windows of 8 at 0, 4, 8 and 12; two steps. */
const LONG = { frames: 20, steps: 2, long: { mode: 'co-denoise', stride: 4, block: 1 } } as const;

const named = (plan: Plan, ref: TaskRef): string[] =>
  plan.dependencies(ref).map(({ node, index }) => `${node} ${String(index)}`);

describe('the plan of windows that agree at every step', () => {
  const plan = createPlan(acceptedJob(LONG));

  it('has a node for each step, and merges the last', () => {
    const counts = Object.fromEntries(plan.nodes.map(({ name, count }) => [name, count]));
    expect(counts).toMatchObject({
      ...{ 'invert-image/1': 4, 'invert-image/2': 4, 'merge/invert-image': 3 },
      ...{ 'invert-video/1': 4, 'invert-video/2': 4, 'merge/invert-video': 3, mix: 3 },
      ...{ 'smooth/1': 4, 'smooth/2': 4, 'merge/smooth': 3, decode: 5 },
    });
  });

  it('lets a step read its own window and those that overlap it', () => {
    expect(named(plan, { node: 'invert-video/1', index: 1 })).toEqual(['encode 1', 'encode 2']);
    expect(named(plan, { node: 'invert-video/2', index: 0 })).toEqual([
      'invert-video/1 0',
      'invert-video/1 1',
    ]);
    expect(named(plan, { node: 'smooth/2', index: 2 })).toEqual([
      'smooth/1 1',
      'smooth/1 2',
      'smooth/1 3',
    ]);
    expect(named(plan, { node: 'smooth/1', index: 1 })).toEqual(['mix 0', 'mix 1']);
    expect(named(plan, { node: 'decode', index: 4 })).toEqual(['merge/smooth 2']);
  });

  it('tells a task of its surroundings alone, so that a longer clip shares what lies far from its end', () => {
    const [clip, longer] = [28, 36].map((frames) => createPlan(acceptedJob({ ...LONG, frames })));
    const shared = (node: string): number[] => {
      const facts = clip!.nodes.find(({ name }) => name === node)!;
      return tasksOfNode(facts).flatMap((ref) =>
        clip!.id(ref) === longer!.id(ref) ? [ref.index] : [],
      );
    };
    expect(shared('invert-video/1')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(shared('invert-video/2')).toEqual([0, 1, 2, 3, 4]);
    expect(shared('smooth/1')).toEqual([0, 1, 2]);
    expect(shared('smooth/2')).toEqual([0, 1]);
  });

  it('goes through a step before the next, whichever frames come first', () => {
    const graph = createTaskGraph(plan);
    const priority = (node: string, index: number): number =>
      graph.priority(graph.number({ node, index }));
    expect(priority('smooth/1', 3)).toBeLessThan(priority('smooth/2', 0));
    expect(priority('smooth/1', 0)).toBeLessThan(priority('smooth/1', 1));
    expect(priority('decode', 0)).toBeLessThan(priority('decode', 1));
  });

  it('costs a step of a window what a step of a whole window costs', () => {
    const whole = createPlan(acceptedJob({ steps: 2 }));
    const step = costUnits(plan, { node: 'smooth/1', index: 0 });
    expect(2 * step).toBe(costUnits(whole, { node: 'smooth', index: 0 }));
  });

  it('has frames of their own inverted as before', () => {
    const frameWise = createPlan(acceptedJob({ ...LONG, normScope: 'frame' }));
    const counts = Object.fromEntries(frameWise.nodes.map(({ name, count }) => [name, count]));
    expect(counts).toMatchObject({ 'invert-image': 3, 'invert-video/1': 4 });
    expect(costUnits(frameWise, { node: 'invert-image', index: 0 })).toBe(8 * 2);
  });

  it('noises only what the first step begins with', () => {
    const noised = createPlan(acceptedJob({ ...LONG, steps: 4, strength: 0.5 }));
    const told = noised.nodes
      .filter(({ stage }) => stage === 'smooth')
      .map(({ name }) => [name, 'noised' in noised.task({ node: name, index: 0 }).params]);
    expect(told).toEqual([
      ['smooth/3', true],
      ['smooth/4', false],
    ]);
  });
});

describe('the plan of windows that are cross-faded', () => {
  it('runs each window whole and merges the smoothed', () => {
    const plan = createPlan(acceptedJob({ frames: 20, long: { mode: 'blend', stride: 6 } }));
    const counts = Object.fromEntries(plan.nodes.map(({ name, count }) => [name, count]));
    expect(counts).toMatchObject({
      'invert-image': 3,
      'invert-video': 3,
      mix: 3,
      smooth: 3,
      merge: 3,
    });
    expect(named(plan, { node: 'mix', index: 1 })).toEqual(['invert-image 1', 'invert-video 1']);
    expect(named(plan, { node: 'merge', index: 0 })).toEqual(['smooth 0', 'smooth 1']);
    expect(plan.task({ node: 'merge', index: 0 }).params).toEqual({
      length: 8,
      copies: [
        [0, 0, 8],
        [6, 0, 2],
      ],
    });
  });
});

describe('what measure is told of seams', () => {
  const seamsOf = (changes: Parameters<typeof acceptedJob>[0]): number[] => {
    const plan = createPlan(acceptedJob({ frames: 22, frameBatch: 4, ...changes }));
    const { count } = plan.nodes.find(({ name }) => name === 'measure')!;
    return Array.from({ length: count }, (_, index) => {
      const { params, frames } = plan.task({ node: 'measure', index });
      return ((params['seams'] ?? []) as number[]).map((frame) => frames[frame]!);
    }).flat();
  };

  it('are the frames where a window begins, or after it ends', () => {
    // Windows of 8 at 0, 5, 10 and 14.
    expect(seamsOf({ long: { mode: 'blend', stride: 5 } })).toEqual([5, 8, 10, 13, 14, 18]);
    // Side by side at 0, 8 and 14, the last of which gives what the one before has not.
    expect(seamsOf({})).toEqual([8, 16]);
  });

  it('are none in one window', () => {
    expect(seamsOf({ frames: 8 })).toEqual([]);
  });
});
