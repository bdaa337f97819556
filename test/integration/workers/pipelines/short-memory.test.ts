// Lanes whose memory is short: guidance one half at a time, frames one at a time, models one at a time. Their bytes are those of lanes that have enough.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readOnnxFile } from '../../../../common/models/onnx-file.ts';
import { LANE_ENTRY } from '../../../../recipes/lane-entry.ts';
import { createLanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import type { LanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import { elementCount, floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor, Tensor } from '../../../../workers/tensor/tensor.ts';
import { casesOf } from '../../../support/thorough.ts';
import { DemoStages } from './demo-stages.ts';
import type { DemoRun, LaneStageName } from './demo-stages.ts';

const FRAMES = [0, 1, 2];
/** Beside the weights of the stage's largest graph: less than any run takes. */
const ROOM_BYTES = 64 * 2 ** 10;
const STEPS = { steps: 2, negativePrompt: '' };

let demo: DemoStages;
const pools: LanePool[] = [];

beforeAll(async () => {
  demo = await DemoStages.open();
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await demo.close();
});

function poolOf(memoryLimitBytes: number, threadsPerLane: number): LanePool {
  const pool = createLanePool({ entry: LANE_ENTRY, lanes: 1, threadsPerLane, memoryLimitBytes });
  pools.push(pool);
  return pool;
}

async function inLane<S extends LaneStageName>(
  pool: LanePool,
  stage: S,
  { params, tensors, frames }: DemoRun<S>,
): Promise<Readonly<Record<string, Tensor>>> {
  const models = demo.modelsOf(stage, params);
  const job = { stage, params, frames, models, tensors: structuredClone(tensors) };
  return (await pool.run(job)).outputs;
}

function pictures(): FrameTensor {
  const shape = [FRAMES.length, 128, 128, 3];
  const data = Uint8Array.from({ length: elementCount(shape) }, (_, i) => (i * 7) % 251);
  return frameTensor(shape, data);
}

function latents(): FloatTensor {
  const shape = [FRAMES.length, 4, 16, 16];
  const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i * 1.3));
  return floatTensor(shape, data);
}

const drawing = {
  ...{ ...STEPS, prompt: 'a red circle', guidanceScale: 5, sampler: 'ddim', seed: 7 },
  task: 'controlnet',
  conditioningScale: 1,
} as const;

describe.each(casesOf([1, 2], (threads) => threads === 1))(
  'a lane of %i threads whose memory is short',
  (threads) => {
    it.each<[string, LaneStageName, object, Readonly<Record<string, Tensor>>]>([
      ['generate', 'generate', drawing, { control: pictures() }],
      ['encode', 'encode', { posterior: 'mode' }, { frames: pictures() }],
      [
        'invert-image',
        'invert-image',
        { ...STEPS, mode: 'ddim', normScope: 'frame' },
        { latents: latents() },
      ],
      [
        'smooth',
        'smooth',
        { ...STEPS, prompt: 'a red circle', guidanceScale: 1.5 },
        { noise: latents() },
      ],
      ['decode', 'decode', {}, { latents: latents() }],
    ])('gives the bytes of %s', async (_, stage, params, tensors) => {
      const run = { params, tensors, frames: FRAMES } as unknown as DemoRun<typeof stage>;
      const enough = await inLane(poolOf(2 ** 30, threads), stage, run);
      const graphs = Object.values(demo.modelsOf(stage, params)).flatMap(
        ({ graph }) => graph ?? [],
      );
      const largest = Math.max(...graphs.map((graph) => readOnnxFile(graph).weightBytes));
      const short = poolOf(largest + ROOM_BYTES, threads);
      expect(await inLane(short, stage, run)).toEqual(enough);
      // One graph at a time, as there is no room for two.
      const [load] = short.stats().loads;
      expect(Object.keys(load!.warm)).toHaveLength(1);
    });
  },
);
