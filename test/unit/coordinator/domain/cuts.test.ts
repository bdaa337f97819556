// Where a clip is cut: what is asked, what of a source's cuts a job has, and which tasks that makes.

import { describe, expect, it } from 'vitest';

import { costUnits, workOfPlan } from '../../../../coordinator/domain/cost.ts';
import { cutSearchOf, jobCutsOf } from '../../../../coordinator/domain/cuts.ts';
import { longClipOf } from '../../../../coordinator/domain/long-clip.ts';
import { createPlan, tasksOfNode } from '../../../../coordinator/domain/plan.ts';
import type { Plan } from '../../../../coordinator/domain/plan.ts';
import { workOf } from '../../../../coordinator/domain/work/job-work.ts';
import type { LongClip } from '../../../../recipes/pipeline/job-base.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const INPUT = { path: 'clip.mp4', start: 10, stride: 4 };
const SOURCE = { path: 'clip.mp4', frames: 100 };

describe('where cuts are looked for', () => {
  const spec = { frames: 20, input: INPUT, cuts: 'auto' } as const;

  it.each([
    ['from the first frame that is taken to the last', spec, { first: 10, last: 86 }],
    [
      'as far as the source goes, where a part of all of it is wanted',
      { ...spec, part: { first: 2, last: 3, of: 'source' as const } },
      { first: 10, last: 98 },
    ],
    ['nowhere, where they are listed', { ...spec, cuts: [4] }, undefined],
    ['nowhere, where nothing is asked', { frames: 20, input: INPUT }, undefined],
    ['nowhere in a source that is too short', { ...spec, frames: 24 }, undefined],
  ])('%s', (_, asked, expected) => {
    expect(cutSearchOf(asked, SOURCE)).toEqual(expected);
  });
});

describe('cuts that were found', () => {
  const found = (cuts: readonly number[]) =>
    jobCutsOf({ frames: 20, input: INPUT, cuts: 'auto' }, { cuts }, []);

  it('begin a shot with the first frame that is taken of it', () => {
    // Frames 10, 14, 18, 22, ... of the source.
    expect(found([18, 27, 38, 51])).toEqual([2, 5, 7, 11]);
  });

  it('leave no shot with one frame', () => {
    expect(found([11, 30, 31, 33, 34, 60, 84])).toEqual([5, 13]);
    expect(found([86])).toBeUndefined();
  });

  it('are none where there are none', () => {
    expect(found([])).toBeUndefined();
  });
});

describe('cuts that are listed', () => {
  const listed = (cuts: readonly number[] | 'none') => {
    const problems: string[] = [];
    return {
      cuts: jobCutsOf({ frames: 20, input: INPUT, cuts: cuts as number[] }, {}, problems),
      problems,
    };
  };

  it.each([
    [
      [0, 4, 9],
      [4, 9],
    ],
    [
      [4, 9],
      [4, 9],
    ],
    [[18], [18]],
    [[0], undefined],
    [[], undefined],
    ['none' as const, undefined],
  ])('%j', (asked, cuts) => {
    expect(listed(asked)).toEqual({ cuts, problems: [] });
  });

  it('are told all that is wrong with them', () => {
    expect(listed([9, 4, 4, 20, 31])).toEqual({
      cuts: undefined,
      problems: [
        'cuts: there is no frame 20; the last of 20 is 19',
        'cuts: there is no frame 31; the last of 20 is 19',
        'cuts: 4 comes after 9; first frames of shots rise',
        'cuts: 4 comes after 4; first frames of shots rise',
      ],
    });
    expect(listed([1, 5, 6, 19]).problems).toEqual([
      'cuts: the shot at frame 0 has one frame, and two are the least',
      'cuts: the shot at frame 5 has one frame, and two are the least',
      'cuts: the shot at frame 19 has one frame, and two are the least',
    ]);
  });

  it('are told a few of many alike', () => {
    const { problems } = listed(Array.from({ length: 50 }, (_, i) => 100 + 2 * i));
    expect(problems).toHaveLength(6);
    expect(problems.at(-1)).toBe('cuts: and 45 more like it');
  });
});

describe('windows of a clip with cuts', () => {
  const ask = (frames: number, cuts: readonly number[]): LongClip | undefined =>
    longClipOf({ frames, cuts }, { window: 8, steps: 50, problems: [] });

  it('are independent where no shot is longer than one', () => {
    expect(ask(24, [8, 16])).toBeUndefined();
    expect(ask(24, [8])).toMatchObject({ mode: 'co-denoise', stride: 4 });
  });

  it('are put into tasks by how many all shots have', () => {
    expect(ask(2_000, [1_000])).toMatchObject({ block: 2 });
  });
});

/** Windows of 8 at 0, 4, 5 and, in the shot from 13 on, at 13, 17, 19; a shot of 3 at the end. Batches, which know no cuts, are of one frame. */
const CUT = { frames: 30, steps: 2, frameBatch: 1, cuts: [13, 27] } as const;
const LONG: readonly (readonly [string, Partial<Parameters<typeof acceptedJob>[0]>])[] = [
  ['co-denoise', { long: { mode: 'co-denoise', stride: 4, block: 2 } }],
  ['blend', { long: { mode: 'blend', stride: 4 } }],
  ['independent', {}],
];
const WINDOWED = ['invert-image', 'invert-video', 'mix', 'smooth', 'merge'];

function tasksOf(plan: Plan): { readonly id: string; readonly frames: readonly number[] }[] {
  const nodes = plan.nodes.filter(({ stage }) => WINDOWED.includes(stage));
  return nodes.flatMap(tasksOfNode).map((ref) => plan.task(ref));
}

describe.each(LONG)('the plan of a clip with cuts, %s', (_, long) => {
  const plan = createPlan(acceptedJob({ ...CUT, ...long }));

  it('has no task that sees frames of two shots', () => {
    const crossing = tasksOf(plan).filter(({ frames }) =>
      CUT.cuts.some((cut) => frames[0]! < cut && frames.at(-1)! >= cut),
    );
    expect(crossing).toEqual([]);
    const whole = createPlan(acceptedJob({ ...CUT, cuts: [], ...long }));
    expect(tasksOf(whole).some(({ frames }) => frames.includes(12) && frames.includes(13))).toBe(
      true,
    );
  });

  it('has the tasks of a clip that ends at the cut', () => {
    const first = createPlan(acceptedJob({ ...CUT, ...long, frames: 13, cuts: [] }));
    const ids = new Set(tasksOf(plan).map(({ id }) => id));
    expect(tasksOf(first).every(({ id }) => ids.has(id))).toBe(true);
  });
});

it('lets blocks of one shot read each other alone', () => {
  const plan = createPlan(
    acceptedJob({ ...CUT, long: { mode: 'co-denoise', stride: 4, block: 1 } }),
  );
  const { count } = plan.nodes.find(({ name }) => name === 'smooth/2')!;
  expect(count).toBe(7);
  const reads = (index: number): number[] =>
    plan.dependencies({ node: 'smooth/2', index }).map((ref) => ref.index);
  expect([reads(2), reads(3), reads(5), reads(6)]).toEqual([[0, 1, 2], [3, 4, 5], [3, 4, 5], [6]]);
  const { params } = plan.task({ node: 'smooth/2', index: 6 });
  expect(params['windows']).toEqual({ step: 1, length: 3, starts: [0], copies: [[0, 0, 3]] });
});

describe.each([...LONG, ['a part of it', { part: { first: 10, last: 20 } }]] as typeof LONG)(
  'the work of a clip with cuts, %s',
  (_, changes) => {
    const job = acceptedJob({ ...CUT, frameBatch: 4, ...changes });
    const plan = createPlan(job);
    const sums = plan.nodes.map((facts) =>
      tasksOfNode(facts).reduce((sum, ref) => sum + costUnits(plan, ref), 0),
    );
    const total = (all: readonly number[]): number => all.reduce((sum, one) => sum + one, 0);

    it('is that of its tasks', () => {
      const units = [...workOfPlan(plan).values()].map((stage) => stage.units);
      expect(total(units)).toBeCloseTo(total(sums), 6);
      const scale = (128 * 128) / (512 * 512);
      const ofJob = [...workOf(job).values()].map((stage) => stage.units);
      expect(total(ofJob)).toBeCloseTo(total(sums) * scale, 6);
    });
  },
);

it('counts every frame that the windows of a part run', () => {
  const long = { mode: 'co-denoise', stride: 4, block: 2 } as const;
  const [whole, part] = [undefined, { first: 0, last: 4 }].map((part) =>
    createPlan(acceptedJob({ ...CUT, long, ...(part && { part }) })),
  );
  const first = { node: 'smooth/2', index: 0 };
  expect(part!.id(first)).toBe(whole!.id(first));
  expect(part!.framesRun(first)).toBe(16);
  expect(whole!.framesRun(first)).toBe(16);
});

describe('what measure is told of a clip with cuts', () => {
  const told = (field: 'seams' | 'cuts', changes: Parameters<typeof acceptedJob>[0]): number[] => {
    const plan = createPlan(acceptedJob({ ...CUT, frameBatch: 4, ...changes }));
    const { count } = plan.nodes.find(({ name }) => name === 'measure')!;
    return Array.from({ length: count }, (_, index) => {
      const { params, frames } = plan.task({ node: 'measure', index });
      return ((params[field] ?? []) as number[]).map((frame) => frames[frame]!);
    }).flat();
  };

  it('are seams within shots, and cuts', () => {
    expect(told('cuts', {})).toEqual([13, 27]);
    expect(told('seams', {})).toEqual([8, 21]);
    const blend = { mode: 'blend', stride: 4 } as const;
    expect(told('seams', { long: blend })).toEqual([4, 5, 8, 12, 17, 19, 21, 25]);
  });

  it('are of a part those between two of its frames', () => {
    expect(told('cuts', { part: { first: 13, last: 29 } })).toEqual([27]);
  });
});
