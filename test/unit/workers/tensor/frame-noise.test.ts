import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import type { NoiseKey, NoisePurpose } from '../../../../workers/tensor/frame-noise.ts';
import { philox4x32 } from '../../../../workers/tensor/philox.ts';
import type { Words2, Words4 } from '../../../../workers/tensor/philox.ts';
import { goldenFloats, goldenGrid } from '../../common/diffusion/goldens.ts';

const ONES = 0xffffffff;
const PURPOSES: readonly NoisePurpose[] = ['generate-initial', 'generate-step', 'encode-posterior'];

describe('Philox4x32-10', () => {
  // kat_vectors of Random123.
  it.each<[Words4, Words2, Words4]>([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ONES, ONES, ONES, ONES],
      [ONES, ONES],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the known block for counter %j and key %j', (counter, key, block) => {
    expect(philox4x32(counter, key)).toEqual(block);
  });
});

describe('standard normals', () => {
  it.each(goldenGrid().normals.map((golden, i) => ({ ...golden, i })))(
    'equal those that Python derives for seed $seed, frame $frame, step $step',
    ({ i, seed, frame, purpose, step }) => {
      const key: NoiseKey = { seed, frames: [frame], purpose: PURPOSES[purpose]!, step };
      const expected = goldenFloats(`normals-${i}`);
      const actual = standardNormals(key, expected.length);
      const far = actual.filter(
        (value, at) => Math.abs(value - expected[at]!) > 2e-7 * Math.max(1, Math.abs(value)),
      );
      expect(far).toHaveLength(0);
    },
  );

  it('have the known bits', () => {
    const digests = PURPOSES.map((purpose) => {
      const values = standardNormals({ seed: 42, frames: [0, 1], purpose, step: 3 }, 1024);
      return createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex').slice(0, 16);
    });
    expect(digests).toEqual(['ab975330ef8091e0', 'f381ef7103b46985', '77ab241feddc4c8c']);
  });

  it('have the moments of the normal distribution', () => {
    const count = 1 << 18;
    const values = standardNormals({ seed: 42, frames: [0], purpose: 'generate-initial' }, count);
    const moment = (power: number) =>
      values.reduce((sum, value) => sum + value ** power, 0) / count;
    // Four standard errors each.
    expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(1 / count));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / count));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / count));
  });

  it('fill the bins of the normal distribution evenly', () => {
    const count = 1 << 16;
    const values = standardNormals({ seed: 9, frames: [3], purpose: 'generate-step' }, count);
    // Quartiles and the 97.5 % point, from tables.
    const shareBelow = (bound: number) => values.filter((value) => value < bound).length / count;
    for (const [bound, share] of [
      [-0.67448975, 0.25],
      [0, 0.5],
      [0.67448975, 0.75],
      [1.95996398, 0.975],
      [3.09023231, 0.999],
    ] as const) {
      expect(Math.abs(shareBelow(bound) - share)).toBeLessThan(
        4 * Math.sqrt((share * (1 - share)) / count),
      );
    }
  });

  it('of a frame do not depend on the frames beside it, nor on how many values are drawn', () => {
    const key = { seed: 7, purpose: 'generate-initial', step: 2 } as const;
    const together = standardNormals({ ...key, frames: [4, 5, 6] }, 10);
    expect(together.subarray(10, 20)).toEqual(standardNormals({ ...key, frames: [5] }, 10));
    expect(together.subarray(10, 17)).toEqual(standardNormals({ ...key, frames: [5] }, 7));
  });

  it('are uncorrelated from one seed, frame, purpose or step to the next', () => {
    const count = 1 << 14;
    const base: NoiseKey = { seed: 7, frames: [0], purpose: 'generate-initial', step: 0 };
    const values = standardNormals(base, count);
    const others: NoiseKey[] = [
      { ...base, seed: 8 },
      { ...base, seed: 7 + 2 ** 32 },
      { ...base, frames: [1] },
      { ...base, purpose: 'generate-step' },
      { ...base, step: 1 },
    ];
    for (const other of others) {
      const beside = standardNormals(other, count);
      const correlation = values.reduce((sum, value, i) => sum + value * beside[i]!, 0) / count;
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(count));
    }
  });

  it.each<[string, Partial<NoiseKey>]>([
    ['a negative seed', { seed: -1 }],
    ['a seed beyond exact integers', { seed: 2 ** 53 }],
    ['a frame that is none', { frames: [-1] }],
    ['a step that is none', { step: 0.5 }],
  ])('are asserted not to come from %s', (_, wrong) => {
    const key: NoiseKey = { seed: 1, frames: [0], purpose: 'generate-initial', ...wrong };
    expect(() => standardNormals(key, 4)).toThrow(
      expect.objectContaining({ code: 'ERR_ASSERTION' }),
    );
  });
});
