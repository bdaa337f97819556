// The graphs that ship: each keeps its contract, and neither threads nor batch change its bits. That is why neither is
// part of a task's id.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { openModelSet } from '../../../../common/models/model-folder.ts';
import type { ModelPart } from '../../../../common/models/model-set.ts';
import {
  checkGraphContract,
  CLIP_UNET,
  IMAGE_UNET,
  INFLATED_UNET,
  TEXT_ENCODER,
  VAE_DECODER,
  VAE_ENCODER,
} from '../../../../workers/inference/graph-contract.ts';
import { controlnetUnet } from '../../../../recipes/controlnet/graphs.ts';
import type { GraphKind } from '../../../../workers/inference/graph-kind.ts';
import {
  dependsOnThreads,
  runLoneSampleTwice,
} from '../../../../workers/inference/lanes/lone-sample.ts';
import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { OnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import { elementCount, floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';
import { casesOf } from '../../../support/thorough.ts';

const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
const { image, generators, videos } = await openModelSet(DEMO, { cacheFolder: false });

/** Latents of 16 by 8 in the clip's case with 5 frames, neither of which the export traced. */
const latents = [4, 16, 8];
const clip = [4, 5, 16, 8];
const graphs: [GraphKind, ModelPart | undefined, readonly number[]][] = [
  [TEXT_ENCODER, image.textEncoder, []],
  [VAE_ENCODER, image.vaeEncoder, [3, 64, 32]],
  [VAE_DECODER, image.vaeDecoder, latents],
  [IMAGE_UNET, image.unet, latents],
  ...['canny', 'depth', 'pose', 'canny+depth'].map((name): (typeof graphs)[number] => {
    return [controlnetUnet(name.split('+').length), generators[name]?.unet, latents];
  }),
  [INFLATED_UNET, image.unetInflated, clip],
  ...Object.values(videos).flatMap(({ textEncoder, unet }): typeof graphs => [
    [TEXT_ENCODER, textEncoder, []],
    [CLIP_UNET, unet, clip],
  ]),
];

const named = graphs.map(([kind, part, sampleShape]) => ({ kind, part, sampleShape }));

describe.each(named)('the shipped $part.name', ({ kind, part, sampleShape }) => {
  it('keeps its contract, with equal bits for any threads and any batch', async () => {
    const isFirst = named.find((one) => one.kind.name === kind.name)?.part === part;
    const threads = casesOf([1, 2, 3, 4, 16], (count) => count === 1 || (count === 3 && isFirst));
    const outputs: Readonly<Record<string, Tensor>>[] = [];
    const batches = kind.hasBatch ? [1, 2] : [1];
    for (const count of threads) {
      const session = await openOnnxSession({
        name: part!.name,
        graph: part!.graph!,
        threads: count,
      });
      try {
        checkGraphContract(session, kind, part!.config);
        for (const batch of batches) {
          const feeds = feedsOf(session, batch, sampleShape);
          const settings = { threads: count, executionProviders: ['cpu'] };
          const isPaired = dependsOnThreads({ kind, config: part!.config, settings }, feeds);
          const result = await (isPaired ? runLoneSampleTwice(session, feeds) : session.run(feeds));
          outputs.push(Object.fromEntries(Object.entries(result).map(([n, t]) => [n, first(t)])));
        }
      } finally {
        await session.release();
      }
    }
    for (const output of outputs.slice(1)) expect(output).toEqual(outputs[0]);
  });
});

describe('the shipped graph of ControlVideo', () => {
  const { unet } = generators['controlvideo-canny']!;
  const runOn = async (threads: number, frames: number): Promise<Tensor> => {
    const session = await openOnnxSession({ name: unet.name, graph: unet.graph!, threads });
    try {
      checkGraphContract(session, controlnetUnet(1), unet.config);
      const { out_sample: noise } = await session.run(feedsOf(session, frames, latents));
      return noise!;
    } finally {
      await session.release();
    }
  };

  it.each(casesOf([2, 5, 8], (count) => count === 2))(
    'gives equal bits for any threads: %i frames',
    async (frames) => {
      const alone = await runOn(1, frames);
      for (const threads of [2, 3, 4, 16]) expect(await runOn(threads, frames)).toEqual(alone);
    },
  );

  it('draws a frame by what others there are', async () => {
    const few = first(await runOn(1, 2));
    expect(first(await runOn(1, 3))).not.toEqual(few);
  });
});

describe('the shipped inflated-unet', () => {
  it('gives the bits of the plain one for a window of one frame, which that one inverts', async () => {
    const runOn = async ({ name, graph }: ModelPart, shape: readonly number[]) => {
      const session = await openOnnxSession({ name, graph: graph!, threads: 1 });
      const { out_sample: noise } = await session.run(feedsOf(session, 1, shape));
      await session.release();
      return noise!.data;
    };
    const plain = await runOn(image.unet, [4, 16, 8]);
    expect(await runOn(image.unetInflated!, [4, 1, 16, 8])).toEqual(plain);
  });
});

it('ships in less than 48 MB, with logs and model cards', async () => {
  const entries = await readdir(DEMO, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const facts = await Promise.all(files.map((file) => stat(join(file.parentPath, file.name))));
  expect(facts.reduce((bytes, { size }) => bytes + size, 0)).toBeLessThan(48_000_000);
});

/** Feeds whose first of the batch is the same for every batch. */
function feedsOf(session: OnnxSession, batch: number, sampleShape: readonly number[]) {
  const feeds = session.inputs.map(({ name, shape }): [string, Tensor] => {
    if (name === 'input_ids') {
      const data = BigInt64Array.from({ length: batch * 77 }, (_, i) => BigInt(i % 77));
      return [name, { type: 'int64', shape: [batch, 77], data }];
    }
    if (name === 'timestep') return [name, floatTensor([], Float32Array.of(321))];
    if (name === 'conditioning_scales') {
      const scales = Float32Array.from({ length: Number(shape[0]) }, (_, i) => 0.7 - 0.2 * i);
      return [name, floatTensor([scales.length], scales)];
    }
    if (name === 'encoder_hidden_states') return [name, ramp([batch, 77, Number(shape[2])])];
    if (name === 'controlnet_conds') {
      const [, height, width] = sampleShape;
      return [name, rampOfEach(Number(shape[0]), [batch, 3, 8 * height!, 8 * width!])];
    }
    return [name, ramp([batch, ...sampleShape])];
  });
  return Object.fromEntries(feeds);
}

function ramp(shape: readonly number[]): Tensor {
  const length = elementCount(shape);
  return floatTensor(
    shape,
    Float32Array.from({ length }, (_, i) => Math.sin(i / 7)),
  );
}

/** The same for each of `count`, so that what comes first in the batch does not depend on the batch. */
function rampOfEach(count: number, shape: readonly number[]): Tensor {
  const { data } = ramp(shape);
  const all = Array.from({ length: count }, () => [...(data as Float32Array)]).flat();
  return floatTensor([count, ...shape], Float32Array.from(all));
}

/** The first of the batch. */
function first({ shape, data }: Tensor): Tensor {
  const rest = shape.slice(1);
  return floatTensor(rest, (data as Float32Array).slice(0, elementCount(rest)));
}
