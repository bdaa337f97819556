// Goal: a graph along control pictures gives, loaded as two, the bits of the whole, and makes its hints once for pictures that many runs see.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { openModelSet } from '../../../../common/models/model-folder.ts';
import { readOnnxFile } from '../../../../common/models/onnx-file.ts';
import { splitControls } from '../../../../workers/inference/onnx/split-controls.ts';
import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';
import { feedsOf } from '../../../support/models/graph-feeds.ts';
import { casesOf } from '../../../support/thorough.ts';

const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
const { image, generators } = await openModelSet(DEMO, { cacheFolder: false });
const CONTROLLED = Object.values(generators)
  .filter(({ task }) => task === 'controlnet' || task === 't2i-adapter')
  .map(({ unet }) => unet);
const QUICK = ['image/unet+canny+depth', 'image/unet+t2i-canny', 'image/unet+controlvideo-canny'];

type Values = Readonly<Record<string, Tensor>>;

/** By ONNX Runtime itself, as the file is. */
async function runWhole(graph: string, feeds: Values): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(graph, { intraOpNumThreads: 2 });
  const own = Object.entries(feeds).map(([name, { data, shape }]) => {
    return [name, new ort.Tensor('float32', data as Float32Array, [...shape])] as const;
  });
  const { out_sample: noise } = await session.run(Object.fromEntries(own));
  await session.release();
  return noise!.data as Float32Array;
}

describe.each(casesOf(CONTROLLED, ({ name }) => QUICK.includes(name)))(
  '$name, its hints apart',
  ({ name, graph }) => {
    it('gives the bits of the whole, at the first run along some pictures and at later ones', async () => {
      const session = await openOnnxSession({ name, graph: graph!, threads: 2 });
      try {
        const feeds = feedsOf(session);
        const later = { ...feeds, sample: scaled(feeds['sample']!, 0.5) };
        // Other pictures have other hints.
        const pictures = session.inputs.find((input) => input.name.endsWith('_conds'))!.name;
        const other = { ...later, [pictures]: scaled(feeds[pictures]!, 0.25) };
        for (const each of [feeds, later, other, later]) {
          const { out_sample: noise } = await session.run(each);
          expect(noise!.data).toEqual(await runWhole(graph!, each));
        }
      } finally {
        await session.release();
      }
    });

    it('is two graphs that share its weights out between them', () => {
      const { weightBytes, inputs } = readOnnxFile(graph!);
      const { hints, rest, pictures } = splitControls(graph!)!;
      expect(inputs).toContain(pictures);
      expect(hints.weightBytes).toBeGreaterThan(0);
      expect((hints.weightBytes + rest.weightBytes) / weightBytes).toBeCloseTo(1, 2);
    });
  },
);

describe('a graph in two parts', () => {
  it('is kept as ONNX Runtime optimised it, each part for itself, and gives the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-split-'));
    const { name, graph } = generators['canny']!.unet;
    const keeping = {
      digest: digestText('a part'),
      kept: { folder, bytesMax: 2 ** 30, weightBytesMin: 0 },
    };
    const runOf = async (more: object): Promise<unknown> => {
      const session = await openOnnxSession({ name, graph: graph!, threads: 1, ...more });
      try {
        return await session.run(feedsOf(session));
      } finally {
        await session.release();
      }
    };
    try {
      const plain = await runOf({});
      // Made, and then mapped.
      expect(await runOf(keeping)).toEqual(plain);
      expect(await runOf(keeping)).toEqual(plain);
      expect(await readdir(folder)).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says which input is missing', async () => {
    const { name, graph } = generators['canny']!.unet;
    const session = await openOnnxSession({ name, graph: graph!, threads: 1 });
    try {
      const { controlnet_conds: pictures, ...others } = feedsOf(session);
      await expect(session.run(others)).rejects.toThrow(/controlnet_conds/);
      await expect(session.run({ controlnet_conds: pictures! })).rejects.toThrow(/sample/);
    } finally {
      await session.release();
    }
  });

  it('is none where there are no control pictures', () => {
    for (const { graph } of [image.unet, image.vaeDecoder, generators['prompt2prompt']!.unet]) {
      expect(splitControls(graph!)).toBeUndefined();
    }
  });
});

function scaled(tensor: Tensor, factor: number): Tensor {
  const data = (tensor.data as Float32Array).map((value) => factor * value);
  return { type: 'float32', shape: tensor.shape, data };
}
