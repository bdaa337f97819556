// The method's own loop over models that are formulas: the image model predicts x * t / (t + 1), the video model half
// of that. Expected sums were derived in float64 by an independent program from the scheduler config of SD 1.5 and
// the ramp that diffusers' scheduler tests use.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import type { InversionMode } from '../../../../common/stages.ts';
import { invertImage } from '../../../../workers/pipelines/invert-image/body.ts';
import { invertVideo } from '../../../../workers/pipelines/invert-video/body.ts';
import { mix } from '../../../../workers/pipelines/mix/body.ts';
import { smooth } from '../../../../workers/pipelines/smooth/body.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../../../../workers/tensor/tensor.ts';
import { analyticContext } from './analytic-context.ts';
import type { AnalyticContext, AnalyticModel } from './analytic-context.ts';

const STEPS = 10;
const SD15 = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
  set_alpha_to_one: false,
  clip_sample: false,
  prediction_type: 'epsilon',
  timestep_spacing: 'leading',
};
const frames = [0, 1, 2, 3];

/** Four frames of three channels and 8x8; the frame is the fastest index. */
function ramp(): FloatTensor {
  const latents = floatTensor([4, 3, 8, 8]);
  for (let frame = 0; frame < 4; frame += 1) {
    for (let rest = 0; rest < 192; rest += 1) {
      latents.data[frame * 192 + rest] = (rest * 4 + frame) / 768;
    }
  }
  return latents;
}

/** share * x * t / (t + 1), whatever the text. */
function scalingUnet(share: number): AnalyticModel {
  return {
    run: ({ sample, timestep }) => {
      const { shape, data } = sample as FloatTensor;
      const t = Number(timestep!.data[0]);
      return {
        out_sample: floatTensor(
          shape,
          data.map((x) => (share * x * t) / (t + 1)),
        ),
      };
    },
  };
}

/** A hidden state that holds the text's codes. */
const textEncoder: AnalyticModel = {
  run: ({ input_ids }) => ({
    last_hidden_state: floatTensor(
      [1, 77, 1],
      Float32Array.from(input_ids!.data as BigInt64Array, Number),
    ),
  }),
};

function contextOf(share: number, scheduler: Readonly<Record<string, unknown>> = SD15) {
  return analyticContext({
    models: { unet: scalingUnet(share), 'text-encoder': textEncoder },
    configs: { scheduler: scheduler as typeof SD15, unet: { block_out_channels: [8, 8] } },
  });
}

async function bridge(mode: InversionMode, ratio: number) {
  const latents = ramp();
  const inversion = { mode, steps: STEPS, negativePrompt: 'blurry' };
  const { noise: image } = await invertImage(
    { params: { ...inversion, normScope: 'window' }, tensors: { latents }, frames },
    contextOf(1),
  );
  const { noise: video } = await invertVideo(
    { params: inversion, tensors: { latents }, frames },
    contextOf(0.5),
  );
  if (ratio === 1) return image as FloatTensor;
  if (ratio === 0) return video as FloatTensor;
  const tensors = { image: image!, video: video! };
  const mixed = await mix({ params: { mixingRatio: ratio }, tensors, frames }, contextOf(1));
  return mixed['noise'] as FloatTensor;
}

async function smoothed(noise: FloatTensor, guidanceScale = 7.5): Promise<FloatTensor> {
  const params = { prompt: 'a ball', negativePrompt: 'blurry', steps: STEPS, guidanceScale };
  const { latents } = await smooth({ params, tensors: { noise }, frames }, contextOf(0.5));
  return latents as FloatTensor;
}

function magnitude({ data }: FloatTensor): number {
  return data.reduce((sum, value) => sum + Math.abs(value), 0);
}

describe('mixed inversion and smoothing', () => {
  it.each([
    ['official', 1, 595.260472, 1350.677163],
    ['official', 0.25, 256.933787, 582.99621],
    ['official', 0.1, 189.268451, 429.460019],
    ['official', 0, 144.158226, 327.102559],
    ['ddim', 1, 676.504307, 1535.023677],
    ['ddim', 0.25, 315.854615, 716.690651],
    ['ddim', 0.1, 243.724677, 553.024046],
    ['ddim', 0, 195.638051, 443.912976],
  ] as const)('give the sums of mode %s at ratio %d', async (mode, ratio, noiseSum, latentSum) => {
    const noise = await bridge(mode, ratio);
    const latents = await smoothed(noise);
    expect(Math.abs(magnitude(noise) / noiseSum - 1)).toBeLessThan(1e-5);
    expect(Math.abs(magnitude(latents) / latentSum - 1)).toBeLessThan(1e-5);
  });

  it('swap the branches if the ratio is turned around', async () => {
    const noise = await bridge('ddim', 0.75);
    expect(Math.abs(magnitude(noise) / 315.854615 - 1)).toBeGreaterThan(0.5);
  });
});

function feedsOf(context: AnalyticContext, name: string): Tensor[] {
  return context.feeds.filter(({ role }) => role === 'unet').map(({ feeds }) => feeds[name]!);
}

const inversion = { mode: 'ddim', steps: STEPS, negativePrompt: 'no' } as const;
const codes = (text: string): number[] => Array.from(text, (letter) => letter.codePointAt(0)!);

describe('inversion', () => {
  it('climbs the timesteps on the negative prompt, without guidance', async () => {
    const context = contextOf(1);
    const input = { params: inversion, tensors: { latents: ramp() }, frames };
    await invertVideo(input, context);
    expect(feedsOf(context, 'timestep').map(({ data }) => Number(data[0]))).toEqual([
      1, 101, 201, 301, 401, 501, 601, 701, 801, 901,
    ]);
    for (const sample of feedsOf(context, 'sample')) expect(sample.shape).toEqual([1, 3, 4, 8, 8]);
    for (const text of feedsOf(context, 'encoder_hidden_states')) {
      expect(text.shape).toEqual([1, 77, 1]);
      expect([...(text.data as Float32Array).slice(0, 3)]).toEqual([...codes('no'), 0]);
    }
    expect(context.steps.at(-1)).toEqual([STEPS, STEPS]);
  });

  it('gives each frame to the plain UNet alone in scope frame', async () => {
    const context = contextOf(1);
    const params = { ...inversion, normScope: 'frame' } as const;
    const input = { params, tensors: { latents: ramp() }, frames };
    const { noise } = await invertImage(input, context);
    expect(noise!.shape).toEqual([4, 3, 8, 8]);
    for (const sample of feedsOf(context, 'sample')) expect(sample.shape).toEqual([4, 3, 8, 8]);
    for (const text of feedsOf(context, 'encoder_hidden_states')) {
      expect(text.shape).toEqual([4, 77, 1]);
    }
    const whole = await invertImage(
      { ...input, params: { ...params, normScope: 'window' } },
      contextOf(1),
    );
    expect(noise).toEqual(whole['noise']);
  });

  it('feeds whole timesteps to a graph that wants integers', async () => {
    const unet = {
      ...scalingUnet(1),
      inputs: [{ name: 'timestep', type: 'int64', shape: [] }],
    } as const;
    const context = analyticContext({
      models: { unet, 'text-encoder': textEncoder },
      configs: { scheduler: SD15 },
    });
    await invertVideo({ params: inversion, tensors: { latents: ramp() }, frames }, context);
    expect(feedsOf(context, 'timestep')[1]).toEqual({
      type: 'int64',
      shape: [],
      data: BigInt64Array.of(101n),
    });
  });
});

describe('smoothing', () => {
  it('descends on both prompts, the negative one first', async () => {
    const context = contextOf(0.5);
    const params = { prompt: 'go', negativePrompt: 'no', steps: STEPS, guidanceScale: 2 };
    await smooth({ params, tensors: { noise: ramp() }, frames }, context);
    const timesteps = feedsOf(context, 'timestep').map(({ data }) => Number(data[0]));
    expect(timesteps).toEqual([901, 801, 701, 601, 501, 401, 301, 201, 101, 1]);
    for (const text of feedsOf(context, 'encoder_hidden_states')) {
      expect(text.shape).toEqual([2, 77, 1]);
      expect([...(text.data as Float32Array).slice(0, 2)]).toEqual(codes('no'));
      expect([...(text.data as Float32Array).slice(77, 79)]).toEqual(codes('go'));
    }
    for (const sample of feedsOf(context, 'sample')) expect(sample.shape).toEqual([2, 3, 4, 8, 8]);
  });

  it('runs the prompt alone at guidance 1, with the same result where the text does nothing', async () => {
    expect(await smoothed(ramp(), 1)).toEqual(await smoothed(ramp(), 7.5));
  });

  it('refuses latents that the UNet cannot halve', async () => {
    const noise = floatTensor([4, 3, 7, 8]);
    const params = { prompt: '', negativePrompt: '', steps: STEPS, guidanceScale: 2 };
    await expect(
      smooth({ params, tensors: { noise }, frames }, contextOf(0.5)),
    ).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'latents of 8x7 do not fit unet: it needs multiples of 2',
    });
  });
});

describe('a loop', () => {
  it('says at which frames and step a model failed', async () => {
    const unet: AnalyticModel = {
      run: (feeds) => {
        if (Number(feeds['timestep']!.data[0]) === 601) {
          throw new BivdiffError('internal', 'graph unet: output out_sample has 3 values NaN');
        }
        return scalingUnet(1).run(feeds);
      },
    };
    const context = analyticContext({
      models: { unet, 'text-encoder': textEncoder },
      configs: { scheduler: SD15 },
    });
    const input = { params: inversion, tensors: { latents: ramp() }, frames: [8, 9, 10, 11] };
    await expect(invertVideo(input, context)).rejects.toThrow(
      'invert-video frames 8 to 11, step 7 of 10 (t = 601): graph unet: output out_sample has 3 values NaN',
    );
  });

  it('stops before the step that follows a cancellation', async () => {
    const context = analyticContext({
      models: { unet: scalingUnet(1), 'text-encoder': textEncoder },
      configs: { scheduler: SD15 },
      cancelAfter: 4,
    });
    const input = { params: inversion, tensors: { latents: ramp() }, frames };
    await expect(invertVideo(input, context)).rejects.toMatchObject({ code: 'cancelled' });
    expect(feedsOf(context, 'sample')).toHaveLength(4);
  });
});
