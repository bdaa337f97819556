// From a spec to a job that edits frames, and what is refused of it.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { Generator, ModelSet } from '../../../../common/models/model-set.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import { costUnits } from '../../../../coordinator/domain/cost.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { workOfJob } from '../../../../coordinator/domain/stage-work.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels, madeUpPart } from '../../../support/made-up-models.ts';

const unetOf = (channels: number) => ({
  ...madeUpPart('image/unet-instruct'),
  config: { in_channels: channels },
});
const editor = (changes: Partial<Generator> = {}): Generator =>
  madeUpGenerator({
    ...{ name: 'instruct', task: 'instruct-pix2pix', unet: unetOf(8), conditions: [] },
    ...changes,
  });
const EDITOR = madeUpModels(madeUpGenerator(), editor());
const numerics = { inference: 'cpu-test', media: 'media-test', plain: 'plain' };
const source = {
  kind: 'video',
  digest: digestText('clip'),
  path: 'clip.mp4',
  frames: 29,
  alpha: false,
  width: 128,
  height: 128,
} as const;

function accept(settings: object = {}, models: ModelSet = EDITOR): AcceptedJob {
  const whole = { apiVersion: 'bivdiff/v1', input: { path: 'clip.mp4' }, prompt: 'make it blue' };
  const spec = parseRenderSpec({ ...whole, task: 'instruct-pix2pix', ...settings }, 'the test');
  return acceptSpec({ spec, models, source, numerics });
}

function problemsOf(settings: object, models?: ModelSet): unknown {
  try {
    accept(settings, models);
  } catch (reason) {
    const { code, details } = BivdiffError.from(reason);
    expect(code).toBe('invalid-argument');
    return details['problems'];
  }
  return [];
}

describe('a job', () => {
  it('tells the image model the instruction, and the video model the caption', () => {
    const plan = createPlan(accept({ videoPrompt: 'a blue star', mixingRatio: 0.5 }));
    const promptOf = (node: string) =>
      (plan.task({ node, index: 0 }).params as { readonly prompt?: string }).prompt;
    expect(promptOf('generate')).toBe('make it blue');
    expect(promptOf('smooth')).toBe('a blue star');
  });

  it('edits frames of the source, by a UNet that sees them', () => {
    const plan = createPlan(accept());
    const { inputs, models, params } = plan.task({ node: 'generate', index: 0 });
    expect(Object.keys(inputs)).toEqual(['frames']);
    expect(models).toMatchObject({
      unet: digestText('image/unet-instruct'),
      'vae-encoder': EDITOR.image.vaeEncoder.digest,
    });
    expect(params).toEqual({
      ...{ task: 'instruct-pix2pix', prompt: 'make it blue', negativePrompt: 'blurry', steps: 50 },
      ...{ guidanceScale: 7.5, imageGuidanceScale: 1.5, sampler: 'ddim', seed: 42 },
    });
  });

  it("has guidance by the frame: the user's, else the card's, else 1.5", () => {
    const carded = madeUpModels(editor({ conditions: [{ imageGuidanceScale: 1.2 }] }));
    expect(accept({ imageGuidanceScale: 2 }, carded)).toMatchObject({ imageGuidanceScale: 2 });
    expect(accept({}, carded)).toMatchObject({ imageGuidanceScale: 1.2 });
    expect(accept()).toMatchObject({ imageGuidanceScale: 1.5 });
  });

  it('is counted as three runs of the UNet a step, two without guidance by the frame', () => {
    const ofGenerate = (job: AcceptedJob): readonly number[] => [
      costUnits(createPlan(job), { node: 'generate', index: 0 }),
      workOfJob(job, () => ({ block_out_channels: [32, 64] })).get('generate')!.total,
    ];
    const [three, two, one] = [
      ofGenerate(accept()),
      ofGenerate(accept({ imageGuidanceScale: 1 })),
      ofGenerate(accept({ imageGuidanceScale: 1, guidanceScale: 1 })),
    ];
    for (const i of [0, 1]) expect(three[i]! - two[i]!).toBeCloseTo(two[i]! - one[i]!, 3);
    expect(three[0]).toBeGreaterThan(1.4 * two[0]!);
  });
});

describe('a spec is refused', () => {
  it.each(['', '  '])('without an instruction: "%s"', (prompt) => {
    expect(problemsOf({ prompt, videoPrompt: 'a blue star' })).toEqual([
      'prompt: missing; the instruction by which frames are edited, say "make it blue"',
    ]);
  });

  it('if the models have no UNet for it', () => {
    expect(problemsOf({}, madeUpModels(madeUpGenerator()))).toEqual([
      'task: the models in /models/x have no InstructPix2Pix UNet, with which instruct-pix2pix edits',
    ]);
  });

  it.each([4, 9])('if the UNet takes %d channels', (channels) => {
    expect(problemsOf({}, madeUpModels(editor({ unet: unetOf(channels) })))).toEqual([
      `models: card.json in /models/x, generators.instruct: its UNet takes ${channels} channels, and instruct-pix2pix gives it 8 (4 of noisy latents, 4 of latents of the frame to edit); it is of another task`,
    ]);
  });

  it.each([
    [[{ imageGuidanceScale: 0.5 }], '0 imageGuidanceScale '],
    [[{}, {}], ''],
  ])('if the card says of the condition %j', (conditions, why) => {
    expect(problemsOf({}, madeUpModels(editor({ conditions })))).toEqual([
      expect.stringContaining(
        `models: card.json in /models/x, generators.instruct.conditions: ${why}`,
      ),
    ]);
  });

  it('with guidance by the frame below 1, and for another task', () => {
    expect(() => accept({ imageGuidanceScale: 0.5 })).toThrow(
      'imageGuidanceScale: too small: expected at least 1, got 0.5',
    );
    expect(() => accept({ task: 'controlnet', imageGuidanceScale: 2 })).toThrow(
      'imageGuidanceScale: is for task instruct-pix2pix',
    );
  });
});

describe('an inpainting UNet', () => {
  const inpaint = (channels: number): ModelSet =>
    madeUpModels(
      madeUpGenerator({
        ...{ name: 'inpaint', task: 'inpainting', unet: unetOf(channels), conditions: [] },
      }),
    );

  it.each([
    ['inpainting', { mask: { rectangle: '0,0,16,16' } }],
    ['outpainting', {}],
  ])('of 8 channels is refused for %s', (task, settings) => {
    expect(problemsOf({ task, ...settings }, inpaint(9))).toEqual([]);
    expect(problemsOf({ task, ...settings }, inpaint(8))).toEqual([
      `models: card.json in /models/x, generators.inpaint: its UNet takes 8 channels, and ${task} gives it 9 (4 of noisy latents, 1 of mask, 4 of known latents); it is of another task`,
    ]);
  });
});
