// Faults of ONNX Runtime that the project works around or warns of. A test here that fails says that one is mended: then what it
// names can go. Nothing of ours is tested; the library alone is run.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';

import { graphPath } from '../../../support/models/paths.ts';

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
