// Half precision against the platform's own Float16Array, where Node has one: an independent conversion.

import { describe, expect, it } from 'vitest';

import { floatsFromHalves, halvesFromFloats } from '../../../../workers/inference/onnx/half.ts';

const Float16 = (globalThis as Record<string, unknown>)['Float16Array'] as new (
  values: Float32Array | ArrayBuffer,
) => { readonly buffer: ArrayBuffer } & ArrayLike<number>;
const allHalves = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);

describe('floatsFromHalves', () => {
  it('gives every one of the 65,536 patterns its value', () => {
    const expected = Float32Array.from(new Float16(allHalves.slice().buffer));
    expect(floatsFromHalves(allHalves)).toEqual(expected);
  });
});

describe('halvesFromFloats', () => {
  it('gives back every half that is a number', () => {
    const back = halvesFromFloats(floatsFromHalves(allHalves));
    const isNaN = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;
    for (const bits of allHalves) {
      if (isNaN(bits)) expect(isNaN(back[bits]!)).toBe(true);
      else expect(back[bits]).toBe(bits);
    }
  });

  it.each([
    ['a tie to the even half below', 1 + 2 ** -11],
    ['a tie to the even half above', 1 + 3 * 2 ** -11],
    ['the largest half', 65_504],
    ['the last float below infinity', 65_519.996],
    ['the first float that is infinity', 65_520],
    ['the smallest half', 2 ** -24],
    ['half of the smallest half, a tie to zero', 2 ** -25],
    ['just above that', 2 ** -25 * 1.0001],
    ['a tie among subnormals', 3 * 2 ** -25],
    ['the largest subnormal rounding into the normals', 2 ** -14 - 2 ** -26],
    ['minus zero', -0],
    ['a subnormal float', 1e-42],
  ])('rounds as IEEE 754 does: %s', (_, value) => {
    const floats = Float32Array.of(value, -value);
    const expected = new Uint16Array(new Float16(floats).buffer);
    expect(halvesFromFloats(floats)).toEqual(expected);
  });

  it('rounds as IEEE 754 does on a sweep of float bit patterns', () => {
    const bits = Uint32Array.from({ length: 200_000 }, (_, i) => (i * 2_654_435_761) >>> 0);
    const floats = new Float32Array(bits.buffer).map((v) => (Number.isNaN(v) ? 0 : v));
    expect(halvesFromFloats(floats)).toEqual(new Uint16Array(new Float16(floats).buffer));
  });
});
