// Goal: what lies behind a UNet's deep features, run on those of the same step, gives what the whole graph gives; what cannot be cut is refused.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import type { GraphForm } from '../../../../common/models/graph-form.ts';
import { openModelSet } from '../../../../common/models/model-folder.ts';
import { readOnnxFile } from '../../../../common/models/onnx-file.ts';
import { cutGraph } from '../../../../workers/inference/onnx/cut-graph.ts';
import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { OnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import { elementCount, floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';
import { casesOf } from '../../../support/thorough.ts';

const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
const { image, generators, videos } = await openModelSet(DEMO, { cacheFolder: false });
const { prompt2prompt, ...others } = generators;
const parts = [
  ...[image.unet, image.unetInflated!],
  ...Object.values(others).map(({ unet }) => unet),
  ...Object.values(videos).map(({ unet }) => unet),
];
/** One of each kind. */
const QUICK = ['image/unet', 'image/unet+canny', 'video/shapes3d/unet'];
const MOST_WEIGHTS = 0.2;
/** Sums of a product may be split otherwise where another graph is optimised. */
const TOLERANCE = 1e-5;

describe.each(casesOf(parts, ({ name }) => QUICK.includes(name)))(
  '$name, cut before its last layer',
  ({ name, graph }) => {
    it('gives from its deep features what the whole does', async () => {
      const open = { name, graph: graph!, threads: 1 };
      const sessions = {
        whole: await openOnnxSession(open),
        deep: await openOnnxSession({ ...open, form: 'deep' }),
        shallow: await openOnnxSession({ ...open, form: 'shallow' }),
      };
      try {
        const feeds = feedsOf(sessions.whole);
        const { out_sample: noise } = await sessions.whole.run(feeds);
        const deep = await sessions.deep.run(feeds);
        expectClose(deep['out_sample']!, noise!);
        const own = sessions.shallow.inputs.map(({ name: input }) => [
          input,
          { ...feeds, ...deep }[input]!,
        ]);
        const shallow = await sessions.shallow.run(Object.fromEntries(own) as typeof feeds);
        expectClose(shallow['out_sample']!, noise!);
      } finally {
        for (const session of Object.values(sessions)) await session.release();
      }
      const { weightBytes } = readOnnxFile(graph!);
      expect(cutGraph(graph!, 'deep').weightBytes).toBe(weightBytes);
      const { weightBytes: left } = cutGraph(graph!, 'shallow');
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(MOST_WEIGHTS * weightBytes);
    });
  },
);

const CONTROLLED = Object.values(generators)
  .filter(({ task }) => task === 'controlnet' || task === 't2i-adapter')
  .map(({ unet }) => unet);
const QUICK_CONTROLLED = ['image/unet+canny+depth', 'image/unet+t2i-canny'];

describe.each(casesOf(CONTROLLED, ({ name }) => QUICK_CONTROLLED.includes(name)))(
  '$name, without its controls',
  ({ name, graph }) => {
    it('gives the bits of controls that weigh nothing, from the weights of the plain UNet', async () => {
      const open = { name, graph: graph!, threads: 1 };
      const [whole, free] = [
        await openOnnxSession(open),
        await openOnnxSession({ ...open, form: 'uncontrolled' }),
      ];
      try {
        const feeds = feedsOf(whole);
        const scales = feeds['conditioning_scales']!;
        const weightless = floatTensor(scales.shape, new Float32Array(scales.data.length));
        const { sample, timestep, encoder_hidden_states: text } = feeds;
        const own = { sample: sample!, timestep: timestep!, encoder_hidden_states: text! };
        expect(free.inputs.map((input) => input.name)).toEqual(Object.keys(own));
        const expected = await whole.run({ ...feeds, conditioning_scales: weightless });
        expect(await free.run(own)).toEqual(expected);
        expect(await whole.run(feeds)).not.toEqual(expected);
      } finally {
        await whole.release();
        await free.release();
      }
      const plain = cutGraph(image.unet.graph!, 'deep').weightBytes;
      expect(cutGraph(graph!, 'uncontrolled').weightBytes / plain).toBeCloseTo(1, 3);
    });
  },
);

describe('what is made of a graph', () => {
  it('is kept as ONNX Runtime optimised it, each form for itself, and gives the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-cut-'));
    const kept = { folder, bytesMax: 2 ** 30, weightBytesMin: 0 };
    const { name, graph } = generators['canny']!.unet;
    const runOf = async (form: GraphForm, keeping: object): Promise<unknown> => {
      const session = await openOnnxSession({ name, graph: graph!, threads: 1, form, ...keeping });
      try {
        return await session.run(feedsOf(session));
      } finally {
        await session.release();
      }
    };
    try {
      // What makes the hints is a graph of its own.
      for (const [form, count] of [
        ['deep', 2],
        ['uncontrolled', 3],
      ] as const) {
        const keeping = { digest: digestText('a part'), kept };
        const plain = await runOf(form, {});
        // Made, and then mapped.
        expect(await runOf(form, keeping)).toEqual(plain);
        expect(await runOf(form, keeping)).toEqual(plain);
        expect(await readdir(folder)).toHaveLength(count);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a graph that cannot be cut', () => {
  it('is refused with what to do: it is of another kind', () => {
    for (const { graph } of [prompt2prompt!.unet, image.vaeDecoder, image.textEncoder]) {
      expect(() => cutGraph(graph!, 'shallow')).toThrow(/cannot be cut for --cache-interval/);
    }
  });

  it('is refused: it has no controls', () => {
    expect(() => cutGraph(image.unet.graph!, 'uncontrolled')).toThrow(/has no controls/);
  });

  it('is refused: it is damaged', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-cut-'));
    try {
      const path = join(folder, 'model.onnx');
      await writeFile(path, 'no graph at all');
      expect(() => cutGraph(path, 'deep')).toThrow(/is not a sound ONNX model/);
      expect(() => cutGraph(join(folder, 'none.onnx'), 'deep')).toThrow(/does not exist/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

function expectClose(made: Tensor, expected: Tensor): void {
  expect(made.shape).toEqual(expected.shape);
  const largest = (made.data as Float32Array).reduce((most, value, i) => {
    return Math.max(most, Math.abs(value - Number(expected.data[i])));
  }, 0);
  expect(largest).toBeLessThan(TOLERANCE);
}

/** Two samples, of clips of three frames; of what has no batch one. */
function feedsOf({ inputs }: OnnxSession): Record<string, Tensor> {
  const { shape } = inputs.find(({ name }) => name === 'sample')!;
  const batch = shape[0] === 1 ? 1 : 2;
  const sizes: Readonly<Record<string, number>> = { timestep: 0, encoder_hidden_states: 77 };
  return Object.fromEntries(
    inputs.map(({ name, shape: dimensions }) => {
      const own = dimensions.map((size, axis) => {
        if (typeof size === 'number') return size;
        if (name.endsWith('_conds')) return [1, batch, 3, 64, 64][axis]!;
        if (axis === 0) return batch;
        if (name !== 'sample') return sizes[name]!;
        return dimensions.length === 5 && axis === 2 ? 3 : 8;
      });
      const count = elementCount(own);
      const values = Float32Array.from({ length: count }, (_, i) =>
        Math.sin(1.7 * i + name.length),
      );
      if (name === 'timestep') return [name, floatTensor(own, values.fill(501))];
      return [name, floatTensor(own, name === 'conditioning_scales' ? values.fill(1) : values)];
    }),
  );
}
