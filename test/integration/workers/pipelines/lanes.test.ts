// Stages in real lanes over the models that ship. A frame must not depend on which frames are drawn with it, nor on
// the threads of the lane; latents and noise must have the shapes that the next stage reads.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { LANE_ENTRY } from '../../../../recipes/lane-entry.ts';
import { SAMPLERS } from '../../../../common/stages.ts';
import type { GenerateParams, SmoothParams } from '../../../../common/stages.ts';
import { createLanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import type { LanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import { frameNoise } from '../../../../workers/tensor/frame-noise.ts';
import type { FloatTensor, FrameTensor, Tensor } from '../../../../workers/tensor/tensor.ts';
import { elementCount, frameTensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import type { DemoRun, LaneStageName } from './demo-stages.ts';
import { goldenControl } from './goldens.ts';
import { casesOf } from '../../../support/thorough.ts';

const STEPS = 4;
const pools = new Map<number, LanePool>();
let demo: DemoStages;

beforeAll(async () => {
  demo = await DemoStages.open();
});

afterAll(async () => {
  await Promise.all([...pools.values()].map((pool) => pool.close()));
});

async function runInLane<S extends LaneStageName>(
  stage: S,
  run: DemoRun<S>,
  threadsPerLane = 1,
): Promise<Readonly<Record<string, Tensor>>> {
  const pool =
    pools.get(threadsPerLane) ??
    createLanePool({ entry: LANE_ENTRY, lanes: 1, threadsPerLane, memoryLimitBytes: 2 ** 30 });
  pools.set(threadsPerLane, pool);
  const { params, frames } = run;
  // The lane takes what it is given away.
  const tensors = structuredClone(run.tensors);
  const models = demo.modelsOf(stage, params);
  return (await pool.run({ stage, params, tensors, frames, models })).outputs;
}

function generateParams(changes: Partial<GenerateParams> = {}): GenerateParams {
  return {
    task: 'controlnet',
    prompt: 'a red circle moving right on a white background',
    negativePrompt: '',
    steps: STEPS,
    guidanceScale: 5,
    conditioningScale: 1,
    sampler: 'ddim',
    seed: 7,
    ...changes,
  };
}

function controlOf(frames: readonly number[]): FrameTensor {
  const { shape, data } = goldenControl();
  const size = elementCount(shape.slice(1));
  const pictures = frames.flatMap((frame) => [...data.subarray(frame * size, (frame + 1) * size)]);
  return frameTensor([frames.length, ...shape.slice(1)], Uint8Array.from(pictures));
}

async function generate(
  frames: readonly number[],
  changes: Partial<GenerateParams> = {},
  threads = 1,
): Promise<FrameTensor> {
  const tensors = { control: controlOf(frames) };
  const run = { params: generateParams(changes), tensors, frames };
  return (await runInLane('generate', run, threads))['frames'] as FrameTensor;
}

function pictureOf({ shape, data }: FrameTensor, index: number): Uint8Array {
  const size = elementCount(shape.slice(1));
  return data.slice(index * size, (index + 1) * size);
}

describe('generate', () => {
  const together = [2, 3, 4, 5];

  /** What draws no noise and what does, of one order and of several. */
  const quick: readonly string[] = ['ddim', 'euler-ancestral', 'dpm-solver++'];

  it.each(casesOf(SAMPLERS, (name) => quick.includes(name)))(
    'with %s draws a frame alone as it draws it among others',
    async (sampler) => {
      const batch = await generate(together, { sampler });
      for (const [index, frame] of together.entries()) {
        const alone = await generate([frame], { sampler });
        expect(pictureOf(alone, 0)).toEqual(pictureOf(batch, index));
      }
    },
  );

  it('gives the same bytes with two threads as with one', async () => {
    expect(await generate(together, {}, 2)).toEqual(await generate(together, {}, 1));
  });

  it('draws other pictures from another seed, prompt, guidance or conditioning scale', async () => {
    const picture = await generate([0]);
    const others: Partial<GenerateParams>[] = [
      { seed: 8 },
      { prompt: 'a blue square moving left on a black background' },
      { guidanceScale: 1 },
      { conditioningScale: 0.5 },
    ];
    for (const other of others) expect(await generate([0], other)).not.toEqual(picture);
  });
});

describe('guidance that ends', () => {
  it('before the first step draws and smooths what no guidance does, to the byte', async () => {
    const never = await generate([0, 1], { guidanceScale: 1 });
    expect(await generate([0, 1], { guidanceEnd: 0 })).toEqual(never);
    expect(await smoothed({ guidanceEnd: 0 })).toEqual(await smoothed({ guidanceScale: 1 }));
  });

  it('in between is neither, and after the last step is guidance', async () => {
    const half = await generate([0, 1], { guidanceEnd: 0.5 });
    for (const other of [{}, { guidanceScale: 1 }]) {
      expect(await generate([0, 1], other)).not.toEqual(half);
    }
    expect(await generate([0, 1], { guidanceEnd: 1 })).toEqual(await generate([0, 1]));
    const between = await smoothed({ guidanceEnd: 0.5 });
    for (const other of [{}, { guidanceScale: 1 }]) {
      expect(await smoothed(other)).not.toEqual(between);
    }
  });

  const noise = frameNoise([4, 4, 16, 16], {
    seed: 7,
    frames: [0, 1, 2, 3],
    purpose: 'smooth-initial',
  });
  async function smoothed(changes: Partial<SmoothParams>): Promise<Tensor> {
    const told = { prompt: 'a red circle moving right on a white background', negativePrompt: '' };
    const params = { ...told, steps: STEPS, guidanceScale: 5, ...changes };
    const run = { params, tensors: { noise }, frames: [0, 1, 2, 3] };
    return (await runInLane('smooth', run))['latents']!;
  }
});

describe('a whole job in a lane', () => {
  const frames = [0, 1, 2];

  it('goes from pictures to pictures', async () => {
    const generated = await generate(frames);
    const encoded = await runInLane('encode', {
      params: { posterior: 'sample', seed: 7 },
      tensors: { frames: generated },
      frames,
    });
    const latents = encoded['latents'] as FloatTensor;
    expect(latents.shape).toEqual([3, 4, 16, 16]);
    const inversion = { mode: 'ddim', steps: STEPS, negativePrompt: '' } as const;
    const tensors = { latents };
    const params = { ...inversion, normScope: 'window' } as const;
    const { noise: image } = await runInLane('invert-image', { params, tensors, frames });
    const { noise: video } = await runInLane('invert-video', {
      params: inversion,
      tensors,
      frames,
    });
    const mixed = await runInLane('mix', {
      params: { mixingRatio: 0.2 },
      tensors: { image: image!, video: video! },
      frames,
    });
    const smoothed = await runInLane('smooth', {
      params: { prompt: 'a red circle', negativePrompt: '', steps: STEPS, guidanceScale: 1.5 },
      tensors: { noise: mixed['noise']! },
      frames,
    });
    expect(smoothed['latents']!.shape).toEqual(latents.shape);
    const decoding = { params: {}, tensors: { latents: smoothed['latents']! }, frames };
    const decoded = await runInLane('decode', decoding);
    expect(decoded['frames']!.shape).toEqual(generated.shape);
    const measured = await runInLane('measure', {
      params: { annotator: 'canny', low: 60, high: 150 },
      tensors: { control: controlOf(frames), generated, smoothed: decoded['frames']! },
      frames,
    });
    expect(
      JSON.parse(Buffer.from(measured['metrics']!.data as Uint8Array).toString()),
    ).toMatchObject({
      drift: { count: 3 },
    });
  });

  it('samples the posterior by frame, whichever others are encoded with it', async () => {
    const generated = await generate(frames);
    const params = { posterior: 'sample', seed: 7 } as const;
    const encodeFrames = async (chosen: readonly number[]): Promise<FloatTensor> => {
      const pictures = chosen.flatMap((frame) => [...pictureOf(generated, frame)]);
      const shape = [chosen.length, ...generated.shape.slice(1)];
      const tensors = { frames: frameTensor(shape, Uint8Array.from(pictures)) };
      const run = { params, tensors, frames: chosen };
      return (await runInLane('encode', run))['latents'] as FloatTensor;
    };
    const all = await encodeFrames(frames);
    const last = await encodeFrames([2]);
    expect(last.data).toEqual(all.data.slice(2 * last.data.length));
  });
});
