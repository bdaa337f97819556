// Lone samples on ONNX Runtime: a graph whose bits do depend on threads shows that the rule, when a lone sample is run as two, misses
// none of the cases, and that lanes keep to it.

import { afterAll, describe, expect, it } from 'vitest';

import { IMAGE_UNET } from '../../../../workers/inference/graph-contract.ts';
import {
  dependsOnThreads,
  runLoneSampleTwice,
} from '../../../../workers/inference/lanes/lone-sample.ts';
import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { OnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import { elementCount, floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';
import { bareJob, graph, openTestPool } from '../../../support/models/lane-jobs.ts';

const UNEVEN = graph('uneven');
/** It halves nothing, so its smallest map has as many pixels as the sample. */
const config = { block_out_channels: [30] };
const sizes = [
  [5, 7],
  [8, 8],
  [10, 16],
  [16, 16],
  [16, 65],
  [24, 40],
  [33, 31],
  [64, 64],
] as const;
const threads = [1, 2, 3, 4, 7, 15, 16];

const sessions = new Map<number, OnnxSession>();
for (const count of threads) {
  const options = { name: UNEVEN.name, graph: UNEVEN.graph!, threads: count };
  sessions.set(count, await openOnnxSession(options));
}
afterAll(async () => {
  for (const session of sessions.values()) await session.release();
});

describe('a lone sample of a graph that is cut for its threads', () => {
  it('has equal bits wherever it is said not to depend on them, and as one of two elsewhere', async () => {
    let changed = 0;
    let spared = 0;
    for (const [height, width] of sizes) {
      const feeds = feedsOf(height, width);
      const expected = await sessions.get(1)!.run(feeds);
      for (const count of threads) {
        const session = sessions.get(count)!;
        const settings = { threads: count, executionProviders: ['cpu'] };
        const alone = await session.run(feeds);
        const place = `${String(height)}x${String(width)}, ${String(count)} threads`;
        if (dependsOnThreads({ kind: IMAGE_UNET, config, settings }, feeds)) {
          expect(await runLoneSampleTwice(session, feeds), place).toEqual(expected);
          if (!sameBits(alone, expected)) changed += 1;
        } else {
          expect(alone, place).toEqual(expected);
          if (count > 1) spared += 1;
        }
      }
    }
    // Else nothing was shown: of these graphs some lone samples do change, and some need no second.
    expect(changed).toBeGreaterThan(0);
    expect(spared).toBeGreaterThan(0);
  });

  it('gets equal bits from lanes of 1, 2, 4 and 16 threads', async () => {
    const outputs: unknown[] = [];
    for (const threadsPerLane of [1, 2, 4, 16]) {
      const pool = openTestPool({ threadsPerLane });
      const models = { unet: { ...UNEVEN, config } };
      const job = { ...bareJob('image-unet', models), tensors: feedsOf(8, 8) };
      outputs.push((await pool.run(job)).outputs);
      await pool.close();
    }
    for (const output of outputs.slice(1)) expect(output).toEqual(outputs[0]);
    const alone = await sessions.get(16)!.run(feedsOf(8, 8));
    expect(sameBits(alone, outputs[0] as typeof alone)).toBe(false);
  });
});

function sameBits(
  one: Readonly<Record<string, Tensor>>,
  other: Readonly<Record<string, Tensor>>,
): boolean {
  const [a, b] = [one, other].map((outputs) => outputs['out_sample']!.data as Float32Array);
  return a!.every((value, i) => Object.is(value, b![i]));
}

function feedsOf(height: number, width: number): Readonly<Record<string, Tensor>> {
  return {
    sample: ramp(1, 4, height, width),
    timestep: floatTensor([], Float32Array.of(321)),
    encoder_hidden_states: ramp(1, 77, 8),
  };
}

function ramp(...shape: number[]): Tensor {
  const length = elementCount(shape);
  return floatTensor(
    shape,
    Float32Array.from({ length }, (_, i) => Math.sin(i / 7) + 0.1 * Math.cos(0.37 * i)),
  );
}
