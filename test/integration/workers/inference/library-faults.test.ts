// Faults of ONNX Runtime that the project works around or warns of. A test here that fails says that one is mended: then what it
// names can go. Nothing of ours is tested; the library alone is run.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';

import { graphPath } from '../../../support/models/paths.ts';

// What is thrown is enough; nothing is printed besides.
ort.env.logLevel = 'fatal';

const SIZE = 2 * 8 * 8;

/** Greatest error of a norm over each group of `size` values, of deviation 1 around `mean`; NaN if it has some. */
async function errorOf(graph: string, { size, mean }: { size: number; mean: number }) {
  const x = Float32Array.from({ length: 2 * SIZE }, (_, i) => mean + Math.SQRT2 * Math.sin(i * i));
  const session = await ort.InferenceSession.create(graphPath(graph), { intraOpNumThreads: 1 });
  const { y } = await session.run({ x: new ort.Tensor('float32', x, [1, 4, 8, 8]) });
  await session.release();
  const found = y!.data as Float32Array;
  let worst = 0;
  for (let start = 0; start < x.length; start += size) {
    const group = Array.from(x.subarray(start, start + size));
    const centre = group.reduce((sum, value) => sum + value, 0) / size;
    const variance = group.reduce((sum, value) => sum + (value - centre) ** 2, 0) / size;
    group.forEach((value, i) => {
      const expected = (value - centre) / Math.sqrt(variance + 1e-5);
      worst = Math.max(worst, Math.abs(found[start + i]! - expected));
    });
  }
  return worst;
}

// Warned of by `bivdiff models check` (cli/local/check-models.ts, lostDigits).
describe('GroupNormalization', () => {
  it('loses digits at a large mean', async () => {
    expect(await errorOf('group-norm.onnx', { size: SIZE, mean: 0 })).toBeLessThan(1e-5);
    expect(await errorOf('group-norm.onnx', { size: SIZE, mean: 1000 })).toBeGreaterThan(0.01);
    const far = await errorOf('group-norm.onnx', { size: SIZE, mean: 10_000 });
    expect(Number.isNaN(far) || far > 0.1).toBe(true);
  });

  it.each([
    ['instance-norm.onnx', SIZE],
    ['layer-norm.onnx', SIZE / 2],
  ])('is the only one: %s keeps them', async (graph, size) => {
    expect(await errorOf(graph, { size, mean: 0 })).toBeLessThan(1e-5);
    expect(await errorOf(graph, { size, mean: 1000 })).toBeLessThan(2e-3);
    expect(await errorOf(graph, { size, mean: 10_000 })).toBeLessThan(2e-2);
  });
});

// Worked around by halfTensor (workers/inference/onnx/onnx-values.ts).
describe('a float16 tensor', () => {
  const run = async (tensor: ort.Tensor): Promise<ort.Tensor> => {
    const graph = graphPath('half-double.onnx');
    const session = await ort.InferenceSession.create(graph, { logSeverityLevel: 4 });
    try {
      return (await session.run({ x: tensor }))['y']!;
    } finally {
      await session.release();
    }
  };
  const bits = Uint16Array.of(0x3c00, 0xc000);

  it('is read as empty where Node has a Float16Array, whatever it is made of', async () => {
    expect(globalThis).toHaveProperty('Float16Array');
    const halves = new Float16Array(bits.buffer);
    for (const tensor of [
      new ort.Tensor('float16', bits, [2]),
      new ort.Tensor('float16', halves as unknown as Uint16Array, [2]),
    ]) {
      expect(tensor.data).toBeInstanceOf(Float16Array);
      await expect(run(tensor)).rejects.toThrow('not enough space: expected 4, got 0');
    }
  });

  it('is read where it stays a Uint16Array', async () => {
    const tensor = Object.defineProperty(new ort.Tensor('uint16', bits, [2]), 'type', {
      value: 'float16',
    });
    const { data } = await run(tensor);
    expect(Array.from(data as unknown as Float16Array)).toEqual([2, -4]);
  });
});

// Said by the numerics class (workers/inference/numerics-class.ts, deviceHardware).
describe("a provider's options", () => {
  it.each(['cuda', 'tensorrt'])('of %s are not read, but for the device', async (name) => {
    const read = new Set<PropertyKey>();
    const options = { name, deviceId: 0, use_tf32: '0', cudnn_conv_algo_search: 'HEURISTIC' };
    const watched = new Proxy(options, {
      get: (target, key) => {
        read.add(key);
        return Reflect.get(target, key) as unknown;
      },
      ownKeys: (target) => {
        read.add('all keys');
        return Reflect.ownKeys(target);
      },
    });
    const session = ort.InferenceSession.create(graphPath('add.onnx'), {
      executionProviders: [watched],
      logSeverityLevel: 4,
    });
    // Most machines lack the provider's library; the options are read before that is found out.
    await session.then((opened) => opened.release()).catch(() => undefined);
    expect([...read].sort()).toEqual(['deviceId', 'name']);
  });
});
