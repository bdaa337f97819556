// Known pixels are put back: beyond the feather the source's very bytes, what was hidden as it was drawn, between them ever less of it.

import { describe, expect, it } from 'vitest';

import type { ComposeParams } from '../../../../../common/stages.ts';
import { compose } from '../../../../../workers/pipelines/compose/body.ts';
import { featheredShare } from '../../../../../workers/pipelines/compose/feather.ts';
import { frameTensor } from '../../../../../workers/tensor/tensor.ts';
import type { FrameTensor } from '../../../../../workers/tensor/tensor.ts';
import { analyticContext } from '../analytic-context.ts';
import { drawFrames } from '../drawn-frames.ts';

const source = drawFrames(2, { seed: 1, grain: 4 });
const smoothed = drawFrames(2, { seed: 2, grain: 4 });
const [, height = 0, width = 0] = source.shape;
const box = { x: 5, y: 4, width: 6, height: 3 };

async function composed(
  params: ComposeParams,
  more: Readonly<Record<string, FrameTensor>> = {},
): Promise<Uint8Array> {
  const input = { params, tensors: { source, smoothed, ...more }, frames: [4, 5] };
  const { frames } = await compose(input, analyticContext());
  expect(frames?.shape).toEqual(source.shape);
  return frames?.data as Uint8Array;
}

/** Pixels to the box, from centre to centre; 0 in it. */
function distance(x: number, y: number): number {
  const dx = Math.max(box.x - x, 0, x - (box.x + box.width - 1));
  const dy = Math.max(box.y - y, 0, y - (box.y + box.height - 1));
  return Math.hypot(dx, dy);
}

describe('compose', () => {
  it.each([0, 1, 4])('fades over %d pixels around what was hidden', async (feather) => {
    const data = await composed({ feather, hidden: [[box], [box]] });
    let [kept, between] = [0, 0];
    for (const [i, level] of data.entries()) {
      const pixel = Math.floor(i / 3) % (height * width);
      const far = distance(pixel % width, Math.floor(pixel / width));
      const [known, anew] = [source.data[i]!, smoothed.data[i]!];
      const share = far > feather ? 0 : 1 - far / (feather + 1);
      expect(Math.abs(level - (known + share * (anew - known)))).toBeLessThanOrEqual(0.5 + 1e-9);
      if (far > feather) expect(level).toBe(known);
      if (far === 0) expect(level).toBe(anew);
      if (far > feather) kept += 1;
      else if (far > 0) between += 1;
    }
    expect(kept).toBeGreaterThan(data.length / 3);
    expect(between > 0).toBe(feather > 0);
  });

  it('is told of each frame by a mask as well', async () => {
    const mask = frameTensor(source.shape);
    const [first, second] = [box, { ...box, x: 1, height: 1 }];
    for (const [frame, one] of [first, second].entries()) {
      for (let y = one.y; y < one.y + one.height; y += 1) {
        const start = 3 * ((frame * height + y) * width + one.x);
        mask.data.fill(255, start, start + 3 * one.width);
      }
    }
    const byRectangles = await composed({ feather: 2, hidden: [[first], [second]] });
    expect(await composed({ feather: 2 }, { mask })).toEqual(byRectangles);
  });

  it('refuses a mask without white', async () => {
    const mask = frameTensor(source.shape);
    await expect(composed({ feather: 2 }, { mask })).rejects.toMatchObject({
      ...{ code: 'invalid-argument', retry: 'never' },
      details: { frames: [4, 5] },
    });
  });
});

it('of a hidden part at the edge, the share is by the nearest of its pixels', () => {
  const hidden = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0, 1]);
  const size = { width: 3, height: 3 };
  const sharesOf = (feather: number): number[] => [...featheredShare(hidden, { ...size, feather })];
  expect(sharesOf(1)).toEqual([1, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 1]);
  const [beside, two, diagonal] = [1, 2, Math.SQRT2].map((distance) => 1 - distance / 3);
  expect(sharesOf(2)).toEqual([1, beside, two, beside, diagonal, beside, two, beside, 1]);
});
