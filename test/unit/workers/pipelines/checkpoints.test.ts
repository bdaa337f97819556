// Goal: a stage that goes on from any of its steps gives the bits of one that was not interrupted, and runs the UNet for the rest only.
// Method: models that are formulas; every stage of many steps, every sampler, every step.

import { describe, expect, it } from 'vitest';

import { SAMPLERS } from '../../../../common/stages.ts';
import type { SamplerName } from '../../../../common/stages.ts';
import type { Checkpoint, StageBody } from '../../../../workers/inference/ports.ts';
import { controlnet } from '../../../../recipes/controlnet/body.ts';
import { promptToPrompt } from '../../../../recipes/prompt-to-prompt/body.ts';
import { invertImage } from '../../../../workers/pipelines/invert-image/body.ts';
import { invertVideo } from '../../../../workers/pipelines/invert-video/body.ts';
import { smooth } from '../../../../workers/pipelines/smooth/body.ts';
import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../../../../workers/tensor/tensor.ts';
import { analyticContext } from './analytic-context.ts';
import type { AnalyticContext, AnalyticModel } from './analytic-context.ts';
import { drawFrames } from './drawn-frames.ts';

const STEPS = 7;
const frames = [3, 4];

/** Depends on the sample and the timestep, and is not linear. */
const unet: AnalyticModel = {
  run: ({ sample, timestep }) => {
    const { shape, data } = sample as FloatTensor;
    const t = Number(timestep!.data[0]);
    const maps = floatTensor([shape[0]! / 2, 8, 77]);
    return {
      cross_attention_maps: floatTensor(
        maps.shape,
        maps.data.map((_, i) => 1 + Math.sin(data[i % data.length]! * 9 + t + i)),
      ),
      out_sample: floatTensor(
        shape,
        data.map((x, i) => Math.sin(x + i) + t / 1e4),
      ),
    };
  },
};
const textEncoder: AnalyticModel = {
  run: () => ({ last_hidden_state: floatTensor([1, 77, 1]) }),
};
const decoder: AnalyticModel = {
  run: ({ latent_sample }) => {
    const { shape, data } = latent_sample as FloatTensor;
    const sample = floatTensor([shape[0]!, 3, shape[2]! * 8, shape[3]! * 8]);
    for (const [i] of sample.data.entries()) sample.data[i] = data[i % data.length]!;
    return { sample };
  },
};

function contextOf(resumed?: Checkpoint): AnalyticContext {
  return analyticContext({
    models: { unet, 'text-encoder': textEncoder, 'vae-decoder': decoder },
    configs: { scheduler: { clip_sample: false }, unet: { block_out_channels: [8, 8] } },
    ...(resumed && { resumed }),
  });
}

function latentsLike(seed: number): FloatTensor {
  const key = { seed, frames, purpose: 'generate-initial' } as const;
  return floatTensor([2, 4, 2, 4], standardNormals(key, 32));
}

type Run = (context: AnalyticContext) => Promise<Readonly<Record<string, Tensor>>>;

function runOf<P>(body: StageBody<P>, params: P, tensors: Readonly<Record<string, Tensor>>): Run {
  return (context) => body({ params, tensors, frames }, context);
}

function drawing(sampler: SamplerName): Run {
  const control = drawFrames(2, { seed: 5, grain: 40 });
  const params = { task: 'controlnet', prompt: 'go', negativePrompt: 'no' } as const;
  const numbers = { steps: STEPS, guidanceScale: 3, conditioningScale: 0.75, seed: 5 };
  return runOf(controlnet.generate, { ...params, ...numbers, sampler }, { control });
}

/** With a blend, which looks back on all steps. */
function editing(sampler: SamplerName): Run {
  const prompts = { sourcePrompt: 'a red cat', prompt: 'a big cat', negativePrompt: 'no' } as const;
  const numbers = { steps: STEPS, guidanceScale: 3, sourceGuidanceScale: 1, seed: 5 };
  const shares = { crossReplace: 0.5, selfReplace: 0.5 };
  const words = { weights: { cat: 2 }, blend: { words: ['cat'], threshold: 0.8 } };
  const task = { task: 'prompt-to-prompt', kind: 'replace', sampler } as const;
  const params = { ...prompts, ...numbers, ...shares, ...words, ...task };
  return runOf(promptToPrompt.generate, params, { noise: latentsLike(4) });
}

const inversion = { mode: 'ddim', steps: STEPS, negativePrompt: 'no' } as const;
const RUNS: readonly (readonly [string, Run])[] = [
  ...SAMPLERS.map((name) => [`generate by ${name}`, drawing(name)] as const),
  ['edit by ddim', editing('ddim')],
  ['edit by euler-ancestral', editing('euler-ancestral')],
  ['edit by heun', editing('heun')],
  [
    'invert-image',
    runOf(invertImage, { ...inversion, normScope: 'window' }, { latents: latentsLike(1) }),
  ],
  ['invert-video', runOf(invertVideo, inversion, { latents: latentsLike(2) })],
  [
    'smooth',
    runOf(
      smooth,
      { prompt: 'a ball', negativePrompt: '', steps: STEPS, guidanceScale: 7.5 },
      { noise: latentsLike(3) },
    ),
  ],
];

const unetRuns = ({ feeds }: AnalyticContext): number => {
  return feeds.filter(({ role }) => role === 'unet').length;
};

describe('a stage of many steps', () => {
  it.each(RUNS)('gives the same bits from every step on: %s', async (_, run) => {
    const whole = contextOf();
    const expected = await run(whole);
    expect(whole.checkpoints.length).toBeGreaterThanOrEqual(STEPS);
    for (const checkpoint of whole.checkpoints) {
      const rest = contextOf(structuredClone(checkpoint));
      expect(await run(rest)).toEqual(expected);
      const perStep = unetRuns(whole) / whole.checkpoints.length;
      const left = whole.checkpoints.length - checkpoint.doneSteps;
      expect(unetRuns(rest)).toBe(perStep * left);
    }
  });

  it('does not go on from what another task has left', async () => {
    const tensors = { sample: floatTensor([1], Float32Array.of(1)) };
    const run = drawing('ddim')(contextOf({ doneSteps: 2, tensors }));
    await expect(run).rejects.toMatchObject({ code: 'data-loss' });
    const whole = contextOf();
    await drawing('ddim')(whole);
    const [first] = whole.checkpoints;
    const beyond = drawing('ddim')(contextOf({ ...first!, doneSteps: STEPS + 1 }));
    await expect(beyond).rejects.toMatchObject({ code: 'data-loss' });
    const edited = contextOf();
    await editing('ddim')(edited);
    const foreign = drawing('ddim')(contextOf(edited.checkpoints[0]));
    await expect(foreign).rejects.toMatchObject({ code: 'data-loss' });
  });
});
