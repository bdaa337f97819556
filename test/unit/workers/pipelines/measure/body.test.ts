import { describe, expect, it } from 'vitest';

import { measure } from '../../../../../workers/pipelines/measure/body.ts';
import type { MeasureSums } from '../../../../../common/measures.ts';
import { annotate } from '../../../../../workers/pipelines/annotate/body.ts';
import type { MeasureParams } from '../../../../../common/stages.ts';
import { jointTensor } from '../../../../../workers/pipelines/estimate/joints.ts';
import { elementCount, frameTensor } from '../../../../../workers/tensor/tensor.ts';
import type { FrameTensor, Tensor } from '../../../../../workers/tensor/tensor.ts';
import { analyticContext } from '../analytic-context.ts';
import { drawFrames } from '../drawn-frames.ts';

const params = { annotator: 'canny', low: 60, high: 150 } as const;
const clip = {
  source: drawFrames(7, { seed: 1, grain: 0 }),
  generated: drawFrames(7, { seed: 2, grain: 110 }),
  smoothed: drawFrames(7, { seed: 3, grain: 6 }),
};

function cut({ shape, data }: FrameTensor, start: number, end: number): FrameTensor {
  const size = elementCount(shape.slice(1));
  return frameTensor([end - start, ...shape.slice(1)], data.slice(start * size, end * size));
}

/** Measures frames `start` to `end` as a task does that is given the frame before as well. */
async function measureBatch(
  start: number,
  end: number,
  pairs: Pick<MeasureParams, 'seams' | 'cuts'> = {},
): Promise<MeasureSums> {
  const context = analyticContext();
  const from = Math.max(0, start - 1);
  const source = cut(clip.source, from, end);
  const indices = Array.from({ length: end - from }, (_, i) => from + i);
  const drawn = await annotate({ params, tensors: { frames: source }, frames: indices }, context);
  const tensors: Record<string, Tensor> = {
    control: drawn['control']!,
    generated: cut(clip.generated, from, end),
    smoothed: cut(clip.smoothed, from, end),
  };
  const frames = indices.slice(start - from);
  const { metrics } = await measure({ params: { ...params, ...pairs }, tensors, frames }, context);
  expect(metrics).toMatchObject({ type: 'uint8', shape: [metrics!.data.length] });
  return JSON.parse(new TextDecoder().decode(metrics!.data)) as MeasureSums;
}

describe('measure', () => {
  it('counts pairs for flicker and frames for the rest', async () => {
    const sums = await measureBatch(0, 7);
    expect(sums.flicker.generated.count).toBe(6);
    expect(sums.flicker.smoothed.count).toBe(6);
    expect(sums.edgeF1!.generated.count).toBe(7);
    expect(sums.drift.count).toBe(7);
  });

  it('finds less flicker and truer edges where there is less grain', async () => {
    const { flicker, edgeF1, drift } = await measureBatch(0, 7);
    expect(flicker.smoothed.sum).toBeLessThan(flicker.generated.sum / 2);
    expect(edgeF1!.smoothed.sum).toBeGreaterThan(edgeF1!.generated.sum);
    expect(drift.sum / drift.count).toBeGreaterThan(1);
  });

  it('has no pair in a clip of one frame', async () => {
    const { flicker } = await measureBatch(0, 1);
    expect(flicker.generated).toEqual({ sum: 0, count: 0 });
  });

  it('leaves out the flicker of a frame with which a shot begins', async () => {
    const [whole, cut] = [await measureBatch(2, 7), await measureBatch(2, 7, { cuts: [0, 3] })];
    const apart = [await measureBatch(2, 3), await measureBatch(5, 6)];
    for (const which of ['generated', 'smoothed'] as const) {
      const { sum, count } = cut.flicker[which];
      expect(count).toBe(3);
      const left = apart.reduce((total, { flicker }) => total + flicker[which].sum, 0);
      expect(sum + left).toBeCloseTo(whole.flicker[which].sum, 9);
    }
    const { seamFlicker } = await measureBatch(2, 7, { cuts: [0, 3], seams: [4] });
    expect(seamFlicker).toEqual({
      generated: (await measureBatch(6, 7)).flicker.generated,
      smoothed: (await measureBatch(6, 7)).flicker.smoothed,
    });
    expect(cut.drift).toEqual(whole.drift);
  });

  it('adds up over batches to the figures of the whole clip', async () => {
    const whole = await measureBatch(0, 7);
    const parts = [await measureBatch(0, 3), await measureBatch(3, 6), await measureBatch(6, 7)];
    const figures = [
      (sums: MeasureSums) => sums.flicker.generated,
      (sums: MeasureSums) => sums.flicker.smoothed,
      (sums: MeasureSums) => sums.edgeF1!.generated,
      (sums: MeasureSums) => sums.edgeF1!.smoothed,
      (sums: MeasureSums) => sums.drift,
    ];
    for (const figure of figures) {
      const sum = parts.reduce((total, part) => total + figure(part).sum, 0);
      expect(sum).toBeCloseTo(figure(whole).sum, 9);
      expect(parts.reduce((total, part) => total + figure(part).count, 0)).toBe(
        figure(whole).count,
      );
    }
  });

  it('stops between frames when it is cancelled', async () => {
    const { source, generated, smoothed } = clip;
    const tensors = { control: source, generated, smoothed };
    const input = { params, tensors, frames: [0, 1, 2, 3, 4, 5, 6] };
    const measuring = measure(input, analyticContext({ cancelAfter: 0 }));
    await expect(measuring).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('refuses frames without the one before', async () => {
    const { generated, smoothed } = clip;
    const input = {
      params,
      tensors: { control: generated, generated, smoothed },
      frames: [3, 4, 5, 6, 7, 8, 9],
    };
    await expect(measure(input, analyticContext())).rejects.toThrow(/has not the task's frames/);
  });
});

describe('measure against depth and joints', () => {
  /** Each joint in a row, the frame's number to the right, `off` further down. */
  const posed = (off: number, from = 0): Tensor =>
    jointTensor(
      [0, 1, 2].map((frame) =>
        [0, 1, 2, 3].map((joint) => ({
          ...{ x: 3 * (frame + from), y: 5 * joint + off * joint, score: 0.5 },
        })),
      ),
    );
  const params: MeasureParams = { depth: true, joints: { threshold: 0.3 } };
  const pictures = (seed: number, grain: number) => drawFrames(3, { seed, grain });
  const tensors: Record<string, Tensor> = {
    ...{ generated: clip.generated, smoothed: clip.smoothed },
    ...{
      depth: pictures(1, 0),
      'generated-depth': pictures(1, 20),
      'smoothed-depth': pictures(1, 0),
    },
    ...{ joints: posed(0), 'generated-joints': posed(1), 'smoothed-joints': posed(0) },
  };
  const three = Object.fromEntries(
    Object.entries(tensors).map(([role, tensor]) => [
      role,
      tensor.type === 'uint8' ? cut(tensor, 0, 3) : tensor,
    ]),
  );
  const sumsOf = async (changes: Readonly<Record<string, Tensor>>, frames = [0, 1, 2]) => {
    const input = { params, tensors: { ...three, ...changes }, frames };
    const { metrics } = await measure(input, analyticContext());
    return JSON.parse(new TextDecoder().decode(metrics!.data)) as MeasureSums;
  };

  it('finds what keeps to them, and in its own frames alone', async () => {
    const { edgeF1, depthCorrelation, jointPck } = await sumsOf({});
    expect(edgeF1).toBeUndefined();
    expect(depthCorrelation!.smoothed.sum).toBeCloseTo(3, 9);
    expect(depthCorrelation!.generated.sum).toBeLessThan(2.99);
    // Of 48 pixels joints may be 1.5 away: two of four are.
    expect(jointPck).toEqual({
      generated: { sum: 1.5, count: 3 },
      smoothed: { sum: 3, count: 3 },
    });
    const later = await sumsOf({}, [5, 6]);
    expect(later.jointPck!.smoothed).toEqual({ sum: 2, count: 2 });
    expect(later.depthCorrelation!.smoothed.count).toBe(2);
  });

  it('finds little in what follows another control', async () => {
    const elsewhere = cut(drawFrames(12, { seed: 1, grain: 0 }), 9, 12);
    const shuffled = await sumsOf({ depth: elsewhere, joints: posed(0, 4) });
    expect(shuffled.depthCorrelation!.smoothed.sum).toBeLessThan(1.5);
    expect(shuffled.jointPck!.smoothed.sum).toBe(0);
  });

  it('refuses joints that are not of its frames', async () => {
    const input = { params, tensors: three, frames: [4, 5, 6] };
    await expect(measure(input, analyticContext())).rejects.toThrow(/has not the task's frames/);
  });
});
