// How a job is told what is drawn anew, by a mask or a rectangle, and what its plan reads of the mask. Method: made-up models, no files.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { acceptSpec, jobIdOf } from '../../../../coordinator/domain/accept.ts';
import { createPlan, tasksOfStage } from '../../../../coordinator/domain/plan.ts';
import type { Plan } from '../../../../coordinator/domain/plan.ts';
import { frameTasks } from '../../../../coordinator/jobs/finished-frames.ts';
import { sourcesOfJob } from '../../../../recipes/pipeline/job-base.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels, madeUpPart } from '../../../support/made-up-models.ts';

const models = madeUpModels(
  madeUpGenerator({
    ...{ name: 'inpaint', task: 'inpainting', unet: madeUpPart('inpaint'), conditions: [] },
  }),
);
const numerics = { inference: 'cpu-test', media: 'media-test', plain: 'plain' };
const facts = { kind: 'video' as const, width: 64, height: 32, alpha: false };
const source = { ...facts, digest: digestText('clip'), path: 'clip.mp4', frames: 29 };
const mask = { ...facts, digest: digestText('mask'), path: 'mask.mp4', frames: 29 };
const BY_MASK = { mask: { path: 'mask.mp4' } };
const BY_BOX = { mask: { rectangle: '8,8,16,16' } };

function plan(settings: object, of: Partial<typeof mask> = {}, set = models): Plan {
  const whole = { apiVersion: 'bivdiff/v1', input: { path: 'clip.mp4' }, prompt: 'go' };
  const spec = parseRenderSpec({ ...whole, task: 'inpainting', ...settings }, 'the test');
  const sources = { mask: { ...mask, ...of } };
  return createPlan(acceptSpec({ spec, models: set, source, sources, numerics }));
}

function problemsOf(settings: object, of: Partial<typeof mask> = {}): unknown {
  try {
    plan(settings, of);
  } catch (reason) {
    const { code, details } = BivdiffError.from(reason);
    expect(code).toBe('invalid-argument');
    return details['problems'];
  }
  return [];
}

const shaped = { task: 'outpainting' };

describe('a mask', () => {
  it('is a source of the job, whose frames are taken as those of the first', () => {
    const made = plan({ ...BY_MASK, input: { path: 'clip.mp4', start: 3, stride: 2 } });
    expect(made.job.sources).toEqual({ mask: { kind: 'video', digest: mask.digest } });
    expect(sourcesOfJob(made.job)).toEqual([
      { kind: 'video', digest: source.digest },
      { kind: 'video', digest: mask.digest },
    ]);
    const [first, second] = [0, 1].map((index) => made.task({ node: 'mask', index }));
    expect(first?.stage).toBe('ingest');
    expect(first?.params['sourceIndices']).toEqual([3, 5, 7, 9]);
    expect(second?.params['sourceIndices']).toEqual([11, 13, 15, 17]);
    expect(first?.sources).toEqual({ video: mask.digest });
    const generate = made.task({ node: 'generate', index: 1 });
    expect(generate.params).not.toHaveProperty('hidden');
    expect(generate.inputs['mask']).toEqual([
      { task: second!.id, output: 'frames', offset: 0, count: 4 },
    ]);
  });

  it('of one picture is read once, for every frame', () => {
    const made = plan(BY_MASK, { frames: 1 });
    expect(made.job.sources).toEqual({ mask: { ...sourcesOfJob(made.job)[1], isStill: true } });
    expect(tasksOfStage(made, 'ingest')).toHaveLength(3);
    const { id, params, frames } = made.task({ node: 'mask', index: 0 });
    expect([params['sourceIndices'], frames]).toEqual([[0], [0]]);
    const part = { task: id, output: 'frames', offset: 0, count: 1 };
    const { inputs } = made.task({ node: 'generate', index: 1 });
    expect(inputs['mask']).toEqual([part, part, part, part]);
    expect(made.dependencies({ node: 'generate', index: 1 })).toContainEqual({
      ...{ node: 'mask', index: 0 },
    });
  });

  it('makes another job of the same spec when it is another', () => {
    const [one, same, other] = [{}, {}, { digest: digestText('another') }].map((of) =>
      jobIdOf(plan(BY_MASK, of).job),
    );
    expect(one).toBe(same);
    expect(one).not.toBe(other);
  });

  it('that is the source itself is ingested once', () => {
    const made = plan(BY_MASK, { digest: source.digest });
    expect(made.id({ node: 'mask', index: 0 })).toBe(made.id({ node: 'ingest', index: 0 }));
  });

  it('has to be of the size of the source', () => {
    expect(problemsOf(BY_MASK, { width: 32, height: 64 })).toEqual([
      'mask.path: mask.mp4 is 32x64, and clip.mp4 64x32; they lie over one another, so their sizes have to be equal',
    ]);
  });

  it('has to have a frame for each that is rendered', () => {
    expect(problemsOf(BY_MASK, { frames: 28 })).toEqual([
      expect.stringMatching(/^mask\.path: mask\.mp4 has 28 frames, but 29 are needed for 8 frames/),
    ]);
    const late = { ...BY_MASK, frames: 2, input: { path: 'clip.mp4', start: 20 } };
    expect(problemsOf(late, { frames: 2 })).toEqual([
      'mask.path: mask.mp4 has 2 frames, 0 to 1, and 20 is none of them',
    ]);
  });

  it('goes with no rectangle, and one of the two has to be', () => {
    expect(problemsOf({})).toEqual([expect.stringMatching(/^mask\.path: missing; .*rectangle/)]);
    expect(problemsOf({ mask: { ...BY_MASK.mask, ...BY_BOX.mask } })).toEqual([
      expect.stringMatching(/^mask\.rectangle: the mask says .* leave one of them out$/),
    ]);
    expect(problemsOf({ mask: { ...BY_MASK.mask, to: '8,8,16,16' } })).toEqual([
      expect.stringMatching(/^mask\.to: /),
    ]);
    expect(problemsOf({ ...shaped, ...BY_MASK })).toBeDefined();
  });
});

describe('known pixels', () => {
  const stagesOf = ({ nodes }: Plan): readonly string[] => nodes.map(({ stage }) => stage);

  it('are put back in a stage of their own, behind the same decode', () => {
    for (const settings of [BY_MASK, BY_BOX, shaped]) {
      const [without, kept] = [plan(settings), plan({ ...settings, keepKnown: true })];
      expect(stagesOf(without)).not.toContain('compose');
      expect(stagesOf(kept).toSpliced(stagesOf(kept).indexOf('compose'), 1)).toEqual(
        stagesOf(without),
      );
      for (const index of [0, 1]) {
        const decode = { node: 'decode', index };
        expect(kept.id(decode)).toBe(without.id(decode));
        const { params, inputs } = kept.task({ node: 'compose', index });
        expect(params['feather']).toBe(4);
        expect(params['hidden']).toEqual(kept.task({ node: 'generate', index }).params['hidden']);
        expect(Object.keys(inputs).toSorted()).toEqual(
          settings === BY_MASK ? ['mask', 'smoothed', 'source'] : ['smoothed', 'source'],
        );
      }
      expect(frameTasks(kept).map(({ node }) => node)).toEqual(['compose', 'compose']);
      expect(frameTasks(without).map(({ node }) => node)).toEqual(['decode', 'decode']);
      for (const node of ['measure', 'assemble']) {
        expect(kept.dependencies({ node, index: 0 }).map((ref) => ref.node)).toContain('compose');
      }
    }
  });

  it('with another feather share all but the composing', () => {
    const [one, two] = [2, 9].map((feather) => plan({ ...BY_BOX, keepKnown: true, feather }));
    expect(one!.id({ node: 'decode', index: 0 })).toBe(two!.id({ node: 'decode', index: 0 }));
    expect(one!.id({ node: 'compose', index: 0 })).not.toBe(two!.id({ node: 'compose', index: 0 }));
  });

  it('alone have a feather', () => {
    expect(problemsOf({ ...BY_BOX, feather: 3 })).toEqual([
      'feather: without --keep-known (keepKnown) no known pixel is put back',
    ]);
  });
});

describe('the mixing ratio', () => {
  const generator = { ...models.generators['inpaint']!, mixingRatio: 0.1 };
  const own = { ...models, generators: { inpaint: generator } };
  const ratioOf = (settings: object, of: typeof models = own): number =>
    plan(settings, {}, of).job.mixingRatio;

  it("is the generator's, where the user gives none and the card has one", () => {
    expect(ratioOf(BY_BOX)).toBe(0.1);
    expect(ratioOf(shaped)).toBe(0.1);
    expect(ratioOf({ ...BY_BOX, mixingRatio: 0.7 })).toBe(0.7);
    expect(ratioOf({ ...BY_BOX, bridging: { strategy: 'image-only' } })).toBe(1);
    expect(ratioOf(BY_BOX, models)).toBe(models.defaults.mixingRatio);
  });
});
