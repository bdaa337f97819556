import { describe, expect, it } from 'vitest';

import { guide, predictGuided } from '../../../../workers/pipelines/guidance.ts';
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

describe('guide', () => {
  it.each([
    [7.5, [-1.713019609451294, 4.132975101470947, -5.118045330047607, -5.373252868652344]],
    [0.3, [-0.2094440758228302, 0.9200146198272705, 0.7042269706726074, -1.2847003936767578]],
  ])('gives the bits that torch gives at scale %d', (scale, expected) => {
    expect([...guide(without, withText, scale).data]).toEqual(expected);
  });

  it('gives the negative prompt alone at scale 0', () => {
    expect(guide(without, withText, 0)).toEqual(without);
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
    const guided = await predictGuided(pair, { prompt, negative, scale: 2 }, forward);
    expect(batches).toEqual([{ sample: [1, 2, 1, 2], text: [-100, -100, 100, 100] }]);
    expect([...guided.data]).toEqual([301, 302]);
    expect(guided.shape).toEqual([2, 1]);
  });

  it('runs the prompt alone at scale 1, and gives exactly what it gave', async () => {
    const { batches, forward } = addingModel();
    const guided = await predictGuided(pair, { prompt, negative, scale: 1 }, forward);
    expect(batches).toEqual([{ sample: [1, 2], text: [100, 100] }]);
    expect([...guided.data]).toEqual([101, 102]);
  });
});
