// Settings of some frames, and a part of a clip: which tasks are others, and which there are.

import { describe, expect, it } from 'vitest';

import { frameSpansOf } from '../../../../coordinator/domain/frame-spans.ts';
import { createPlan, tasksOfNode } from '../../../../coordinator/domain/plan.ts';
import type { Plan } from '../../../../coordinator/domain/plan.ts';
import { promptOver, seedOver } from '../../../../recipes/pipeline/frame-settings.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const SPAN = { first: 120, last: 139, prompt: 'a red star', videoPrompt: 'a red star' };

/** Tasks of each node, by how many are not in another plan. */
function newIn(plan: Plan, old: Plan): Record<string, number> {
  const known = new Set(old.nodes.flatMap(tasksOfNode).map(old.id));
  const counts = plan.nodes.map((node) => {
    return [node.name, tasksOfNode(node).filter((ref) => !known.has(plan.id(ref))).length] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

describe('another prompt of 20 of 512 frames', () => {
  const job = acceptedJob({ frames: 512 });
  const changed = { ...job, prompts: [SPAN], promptFade: 4 };

  it('is other tasks where windows hold them, side by side', () => {
    // Batches of 4 and windows of 8: 120 to 139 are 5 batches in windows 15 to 17.
    expect(newIn(createPlan(changed), createPlan(job))).toEqual({
      ...{ generate: 5, encode: 5, 'invert-image': 3, 'invert-video': 3, mix: 3, smooth: 3 },
      // And the first batch of measure that looks back at the last of them.
      ...{ decode: 6, measure: 7, assemble: 1 },
    });
  });

  it('is other tasks where windows hold them, cross-faded', () => {
    const long = { mode: 'blend', stride: 4 } as const;
    const made = newIn(createPlan({ ...changed, long }), createPlan({ ...job, long }));
    expect(made).toEqual({
      ...{ generate: 5, encode: 5, 'invert-image': 6, 'invert-video': 6, mix: 6, smooth: 6 },
      // Windows from 116 to 143, in merges from 112 on.
      ...{ merge: 4, decode: 8, measure: 9, assemble: 1 },
    });
  });

  it('spreads by a window to each side a step, where they agree at each', () => {
    const long = { mode: 'co-denoise', stride: 4, block: 1 } as const;
    const few = { frames: 512, steps: 3, long };
    const made = newIn(createPlan({ ...changed, ...few }), createPlan(acceptedJob({ ...few })));
    expect(made).toMatchObject({ generate: 5, 'invert-video/1': 6, 'invert-video/2': 8 });
    expect(made['smooth/3']).toBeGreaterThan(made['smooth/1']!);
  });

  it('changes nothing of a job that has none', () => {
    expect(newIn(createPlan({ ...job, prompts: [], seeds: [] }), createPlan(job))).toEqual({});
  });

  it('is as many tasks for another seed', () => {
    const seeds = [{ first: 120, last: 139, seed: 7 }];
    expect(newIn(createPlan({ ...job, seeds }), createPlan(job))).toMatchObject({
      ...{ generate: 5, encode: 5, smooth: 3 },
    });
  });
});

describe('a part of a clip', () => {
  const modes = [
    undefined,
    { mode: 'blend', stride: 4 },
    { mode: 'co-denoise', stride: 4, block: 1 },
  ] as const;

  it.each(modes)('is tasks of the whole: %o', (long) => {
    const job = { ...acceptedJob({ frames: 512, steps: 3 }), ...(long && { long }) };
    const part = createPlan({ ...job, part: { first: 120, last: 180 } });
    // Its figures look back at no frame before it, and end within a batch; and it is a file of its own.
    expect(newIn(part, createPlan(job))).toEqual({ measure: 2, assemble: 1 });
    const counts = part.nodes.map(({ name, count }) => [name, count] as const);
    expect(Object.fromEntries(counts)).toMatchObject({ measure: 16, decode: 16, assemble: 1 });
    for (const [, count] of counts) expect(count).toBeLessThan(40);
  });

  it('reads nothing but its own tasks', () => {
    const plan = createPlan({ ...acceptedJob({ frames: 64 }), part: { first: 9, last: 10 } });
    const counts = new Map(plan.nodes.map(({ name, count }) => [name, count]));
    for (const ref of plan.nodes.flatMap(tasksOfNode)) {
      for (const { node, index } of plan.dependencies(ref)) {
        expect(index).toBeLessThan(counts.get(node)!);
      }
    }
    expect(counts.get('smooth')).toBe(1);
    expect(plan.task({ node: 'assemble', index: 0 }).frames).toEqual([9, 10]);
  });
});

describe('promptOver', () => {
  const told = { frames: 24, prompt: 'a', videoPrompt: 'a', promptFade: 2 };
  const span = (first: number, last: number, prompt: string) => {
    return { first, last, prompt, videoPrompt: prompt };
  };
  const over = (prompts: ReturnType<typeof span>[], start: number, count: number) =>
    promptOver({ ...told, prompts }, { start, count });

  it('fades within the span, evenly, and leaves others alone', () => {
    expect(over([span(8, 15, 'b')], 7, 10)).toEqual({
      texts: ['a', 'b'],
      weights: [
        [1, 0],
        [0.666667, 0.333333],
        [0.333333, 0.666667],
        ...[0, 0, 0, 0].map(() => [0, 1]),
        [0.333333, 0.666667],
        [0.666667, 0.333333],
        [1, 0],
      ],
    });
    expect(over([span(8, 15, 'b')], 0, 8)).toBe('a');
    expect(over([span(8, 15, 'b')], 10, 4)).toBe('b');
  });

  it('goes from one span to the next, and has no border at the ends of the clip', () => {
    const both = [span(0, 7, 'b'), span(8, 23, 'c')];
    expect(over(both, 0, 8)).toBe('b');
    expect(over(both, 8, 1)).toEqual({ texts: ['b', 'c'], weights: [[0.666667, 0.333333]] });
    expect(over(both, 10, 14)).toBe('c');
  });

  it('fades short spans by half', () => {
    expect(over([span(8, 8, 'b')], 8, 1)).toBe('b');
    expect(over([span(8, 9, 'b')], 8, 2)).toEqual({
      texts: ['a', 'b'],
      weights: [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
    });
  });
});

it('has one seed where all frames of a task have', () => {
  const job = acceptedJob({ seeds: [{ first: 4, last: 5, seed: 7 }] });
  expect(seedOver(job, { start: 0, count: 4 })).toBe(42);
  expect(seedOver(job, { start: 4, count: 2 })).toBe(7);
  expect(seedOver(job, { start: 3, count: 2 })).toEqual([42, 7]);
});

describe('frameSpansOf', () => {
  const parse = (settings: object) =>
    parseRenderSpec(
      {
        ...{ apiVersion: 'bivdiff/v1', task: 'frames', prompt: 'a' },
        ...{ input: { path: 'clip.mp4' }, frames: 24, ...settings },
      },
      'the test',
    );
  const ask = (settings: object) => {
    const problems: string[] = [];
    return { spans: frameSpansOf(parse(settings), problems), problems };
  };

  it('takes them in both spellings, and again as they were taken', () => {
    const spec = parse({ prompts: ['8-9=a = b', { frames: 3, prompt: 'c' }], seeds: ['4=7'] });
    expect(parseRenderSpec(spec, 'the test')).toEqual(spec);
    expect(frameSpansOf(spec, [])).toEqual({
      prompts: [
        { first: 3, last: 3, prompt: 'c', videoPrompt: 'c' },
        { first: 8, last: 9, prompt: 'a = b', videoPrompt: 'a = b' },
      ],
      promptFade: 4,
      seeds: [{ first: 4, last: 4, seed: 7 }],
    });
  });

  it('leaves a video prompt of the whole clip in it', () => {
    const { spans } = ask({ videoPrompt: 'v', prompts: ['8-9=b'], promptFade: 0 });
    expect(spans).toEqual({ prompts: [{ first: 8, last: 9, prompt: 'b', videoPrompt: 'v' }] });
  });

  it('is the whole clip where the part is', () => {
    expect(ask({ part: { first: 0, last: 23 } }).spans).toEqual({});
  });

  it.each<[object, string]>([
    [{ prompts: ['3-9=b', '9-12=c'] }, 'prompts: frames 3-9 and 9-12 overlap'],
    [{ prompts: ['9-3=b'] }, 'prompts: frames 9-3 end before they begin'],
    [{ seeds: ['20-24=7'] }, 'seeds: there is no frame 24; the last of 24 is 23'],
    [{ part: { first: 20, last: 24 } }, 'frames: there is no frame 24'],
    [{ promptFade: 3 }, 'promptFade: is for prompts of some frames'],
  ])('refuses %o', (settings, problem) => {
    expect(ask(settings).problems).toEqual([expect.stringContaining(problem)]);
  });

  it.each<[object, RegExp]>([
    [{ prompts: ['3-9='] }, /prompts.*a prompt is missing/],
    [{ prompts: ['red'] }, /prompts.*expected FRAMES=PROMPT/],
    [{ prompts: ['x=red'] }, /prompts.*expected frames such as 120-180/],
    [{ seeds: ['3=x'] }, /seeds.*expected a seed/],
    [{ task: 'prompt-to-prompt', prompts: ['3-9=b'] }, /prompts: is for task/],
  ])('is refused by the schema: %o', (settings, problem) => {
    expect(() => parse(settings)).toThrow(problem);
  });
});
