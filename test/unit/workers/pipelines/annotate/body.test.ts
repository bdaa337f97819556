import { describe, expect, it } from 'vitest';

import { annotate } from '../../../../../workers/pipelines/annotate/body.ts';
import { picturesOf } from '../../../../../workers/pipelines/pictures.ts';
import { canny } from '../../../../../workers/vision/canny.ts';
import { analyticContext } from '../analytic-context.ts';
import { drawFrames } from '../drawn-frames.ts';

const params = { annotator: 'canny', low: 60, high: 150 } as const;
const frames = drawFrames(3, { seed: 1, grain: 4 });

describe('annotate', () => {
  it('draws the outlines of each frame in all three channels', async () => {
    const context = analyticContext();
    const input = { params, tensors: { frames }, frames: [4, 5, 6] };
    const { control } = await annotate(input, context);
    expect(control?.shape).toEqual(frames.shape);
    const data = control?.data as Uint8Array;
    const outlines = picturesOf(frames).flatMap((picture) => [...canny({ ...picture, ...params })]);
    expect(outlines.filter((level) => level === 255).length).toBeGreaterThan(100);
    expect([...data]).toEqual(outlines.flatMap((level) => [level, level, level]));
    expect(context.steps).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  it('refuses frames that are not those of the task', async () => {
    const input = { params, tensors: { frames }, frames: [4, 5] };
    await expect(annotate(input, analyticContext())).rejects.toThrow(/not one per frame/);
  });
});
