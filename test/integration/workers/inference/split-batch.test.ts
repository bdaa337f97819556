// Batches that are run in pieces, on ONNX Runtime: the bits are those of one run, and how large a piece is follows from the memory that there is.

import { afterAll, describe, expect, it } from 'vitest';

import { runBytes } from '../../../../common/models/graph-memory.ts';
import { CLIP_UNET, IMAGE_UNET } from '../../../../workers/inference/graph-contract.ts';
import { runMemory } from '../../../../workers/inference/lanes/run-memory.ts';
import { runInPieces, samplesOf } from '../../../../workers/inference/lanes/split-batch.ts';
import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { Session } from '../../../../workers/inference/ports.ts';
import { elementCount, floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from '../pipelines/demo-stages.ts';

const demo = await DemoStages.open();
const { unet } = Object.values(demo.set.generators).find(({ task }) => task === 'controlnet')!;
const options = { name: unet.name, graph: unet.graph!, threads: 1 };
const session = await openOnnxSession(options);
afterAll(async () => {
  await session.release();
  await demo.close();
});

const SAMPLES = 5;
const feeds = {
  sample: waves([SAMPLES, 4, 16, 16]),
  timestep: session.inputs.some(({ name, type }) => name === 'timestep' && type === 'int64')
    ? { type: 'int64' as const, shape: [], data: BigInt64Array.of(500n) }
    : floatTensor([], Float32Array.of(500)),
  encoder_hidden_states: waves([SAMPLES, 77, 64]),
  controlnet_conds: waves([1, SAMPLES, 3, 128, 128]),
  conditioning_scales: floatTensor([1], Float32Array.of(1)),
};

function waves(shape: readonly number[]): Tensor {
  const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i * 1.7));
  return floatTensor(shape, data);
}

describe('a batch in pieces', () => {
  it.each([
    [5, [5]],
    [4, [3, 2]],
    [2, [2, 2, 1]],
    [1, [1, 1, 1, 1, 1]],
  ])('of at most %i samples has the bits of one run', async (samplesMax, sizes) => {
    const whole = await session.run(feeds);
    const seen: number[] = [];
    const pieces = { samples: samplesOf(session, feeds)!, samplesMax };
    const outputs = await runInPieces(session, feeds, pieces, async (piece) => {
      seen.push(piece['sample']!.shape[0]!);
      expect(piece['controlnet_conds']!.shape).toEqual([1, seen.at(-1), 3, 128, 128]);
      return session.run(piece);
    });
    expect(seen).toEqual(sizes);
    expect(outputs).toEqual(whole);
  });

  it('is none where an input has no place in the batch', () => {
    const text = {
      name: 'encoder_hidden_states',
      type: 'float32' as const,
      shape: ['other', 77, 64],
    };
    const inputs = session.inputs.map((input) => (input.name === text.name ? text : input));
    expect(samplesOf({ inputs }, feeds)).toBeUndefined();
  });
});

describe('how much of a batch is run at once', () => {
  const { config } = unet;
  const ofOne = runBytes({ role: 'unet', config }, { samples: 1, pixels: 16 * 16, controlnets: 1 });
  const facts = { role: 'unet', kind: IMAGE_UNET, config, isPaired: false };
  const memoryIn = (roomBytes: number, more: object = {}) =>
    runMemory(session, feeds, { ...facts, ...more, roomBytes });

  it.each([
    ['all of it where there is room', 5 * ofOne, 5],
    ['as much as fits, in pieces of one size', 4 * ofOne, 3],
    ['one sample where no more fits', ofOne, 1],
    ['one sample where not even that fits', 0, 1],
  ])('%s', (_, room, samplesMax) => {
    expect(memoryIn(room)).toEqual({ samples: 5, samplesMax, bytes: samplesMax * ofOne });
  });

  it('never one where it would be run as two', () => {
    expect(memoryIn(0, { isPaired: true })).toMatchObject({ samplesMax: 2, bytes: 2 * ofOne });
  });

  it.each([
    ['samples see each other', { kind: { ...IMAGE_UNET, seesWhole: true } }],
    ['there is no batch', { kind: { ...IMAGE_UNET, hasBatch: false } }],
    ['it is of no known kind', { kind: undefined }],
  ])('all of it where %s', (_, more) => {
    expect(memoryIn(0, more)).toEqual({ samples: 1, samplesMax: 1, bytes: 5 * ofOne });
  });

  it('nothing is known of other graphs', () => {
    expect(memoryIn(0, { role: 'annotator' })).toMatchObject({ samplesMax: 1, bytes: 0 });
  });

  it('a clip is one sample with all its frames', () => {
    const clip = { sample: waves([2, 4, 8, 16, 16]), encoder_hidden_states: waves([2, 77, 64]) };
    const inputs: Session['inputs'] = [
      { name: 'sample', type: 'float32', shape: ['b', 4, 'f', 'h', 'w'] },
      { name: 'encoder_hidden_states', type: 'float32', shape: ['b', 77, 64] },
    ];
    const video = demo.set.videos[demo.set.defaultVideo]!.unet.config;
    const each = runBytes({ role: 'unet', config: video }, { samples: 1, pixels: 8 * 16 * 16 });
    const clipFacts = { ...facts, kind: CLIP_UNET, config: video, roomBytes: 1.5 * each };
    expect(runMemory({ inputs }, clip, clipFacts)).toEqual({
      ...{ samples: 2, samplesMax: 1, bytes: each },
    });
  });
});
