import { describe, expect, it } from 'vitest';

import { combine, predictGuided, textBranches } from '../../../../workers/pipelines/guidance.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';

const row = (...values: number[]): FloatTensor => {
  return floatTensor([1, values.length], Float32Array.from(values));
};

// Two rows of torch.randn (seed 7), and what torch 2.13 gives for a + scale * (b - a).
const without = row(
  -0.1467950940132141,
  0.7861412763595581,
  0.9468216300010681,
  -1.1143440008163452,
);
const withText = row(
  -0.3556250333786011,
  1.2323857545852661,
  0.13817265629768372,
  -1.6821985244750977,
);

/** Weights as text guidance has them. */
const guide = (base: FloatTensor, more: FloatTensor, scale: number): FloatTensor =>
  combine([base, more], [1, scale]);

describe('combine', () => {
  it.each([
    [7.5, [-1.713019609451294, 4.132975101470947, -5.118045330047607, -5.373252868652344]],
    [0.3, [-0.2094440758228302, 0.9200146198272705, 0.7042269706726074, -1.2847003936767578]],
  ])('gives the bits that torch gives at scale %d', (scale, expected) => {
    expect([...guide(without, withText, scale).data]).toEqual(expected);
  });

  it('gives the negative prompt alone at scale 0', () => {
    expect(guide(without, withText, 0)).toEqual(without);
  });

  it("of three branches is InstructPix2Pix's rule: e_u + 7.5 (e_ti - e_i) + 1.5 (e_i - e_u)", () => {
    // Worked out in double precision from the formula (arXiv 2211.09800, equation 3), so within float32's rounding.
    const [u, i, t] = [0.25, -1.125, 2.3125];
    const expected = u + 7.5 * (t - i) + 1.5 * (i - u);
    const { data } = combine([row(u), row(i), row(t)], [1, 1.5, 7.5]);
    expect(data[0]).toBeCloseTo(expected, 5);
    // The order of the branches is the order of what they add: swapped, it is another result.
    expect(combine([row(u), row(t), row(i)], [1, 1.5, 7.5]).data[0]).not.toBeCloseTo(expected, 1);
  });
});

describe('predictGuided', () => {
  const prompt = floatTensor([1, 1, 1], Float32Array.of(100));
  const negative = floatTensor([1, 1, 1], Float32Array.of(-100));

  /** Adds each entry's text to it; remembers the batches it saw. */
  function addingModel() {
    const batches: { sample: number[]; text: number[] }[] = [];
    const forward = async (sample: FloatTensor, text: FloatTensor) => {
      batches.push({ sample: [...sample.data], text: [...text.data] });
      return Promise.resolve({ ...sample, data: sample.data.map((x, i) => x + text.data[i]!) });
    };
    return { batches, forward };
  }

  const pair = floatTensor([2, 1], Float32Array.of(1, 2));

  it('runs both halves at once, the negative prompt first', async () => {
    const { batches, forward } = addingModel();
    const guided = await predictGuided(pair, textBranches({ prompt, negative, scale: 2 }), forward);
    expect(batches).toEqual([{ sample: [1, 2, 1, 2], text: [-100, -100, 100, 100] }]);
    expect([...guided.data]).toEqual([301, 302]);
    expect(guided.shape).toEqual([2, 1]);
  });

  it('runs the prompt alone at scale 1, and gives exactly what it gave', async () => {
    const { batches, forward } = addingModel();
    const guided = await predictGuided(pair, textBranches({ prompt, negative, scale: 1 }), forward);
    expect(batches).toEqual([{ sample: [1, 2], text: [100, 100] }]);
    expect([...guided.data]).toEqual([101, 102]);
  });

  it("runs any number of branches as one batch, each with its channels behind the sample's", async () => {
    const samples: number[][] = [];
    const forward = async (sample: FloatTensor): Promise<FloatTensor> => {
      samples.push(sample.shape as number[], [...sample.data]);
      // The first channel alone: as a UNet that takes more than it gives.
      const [batch = 0, channels = 1] = sample.shape;
      const first = Float32Array.from({ length: batch }, (_, i) => sample.data[i * channels]!);
      return Promise.resolve(floatTensor([batch, 1, 1, 1], first));
    };
    const sample = floatTensor([2, 1, 1, 1], Float32Array.of(1, 2));
    const zero = floatTensor([2, 1, 1, 1], Float32Array.of(0, 0));
    const image = floatTensor([2, 1, 1, 1], Float32Array.of(7, 8));
    const branches = [
      { text: negative, channels: zero, weight: 1 },
      { text: negative, channels: image, weight: 1.5 },
      { text: prompt, channels: image, weight: 7.5 },
    ];
    const guided = await predictGuided(sample, branches, forward);
    expect(samples[0]).toEqual([6, 2, 1, 1]);
    expect(samples[1]).toEqual([1, 0, 2, 0, 1, 7, 2, 8, 1, 7, 2, 8]);
    expect([...guided.data]).toEqual([1, 2]);
  });
});
