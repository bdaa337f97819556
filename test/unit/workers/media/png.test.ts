// PNGs as they are written: what their chunks say, and that both depths hold the same values.

import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodePng, encodeDeepPng, encodePng } from '../../../../workers/media/pixels/png.ts';

/** Every value once in each channel. */
const ramp = {
  width: 16,
  height: 16,
  rgb: Uint8Array.from({ length: 768 }, (_, i) => (Math.floor(i / 3) + 85 * (i % 3)) % 256),
};

function chunkNames(png: Uint8Array): string[] {
  const bytes = Buffer.from(png);
  const names: string[] = [];
  for (let at = 8; at < bytes.length; at += bytes.readUInt32BE(at) + 12) {
    names.push(bytes.toString('latin1', at + 4, at + 8));
  }
  return names;
}

test.each([
  ['8', encodePng],
  ['16', encodeDeepPng],
] as const)(
  'of %s bits comes back as it was, says that it is sRGB, and nothing else',
  async (_, encode) => {
    const png = await encode(ramp);
    expect(await encode(ramp)).toEqual(png);
    expect(await decodePng(png)).toEqual(ramp);
    const names = chunkNames(png).filter((name) => name !== 'IDAT' && name !== 'pHYs');
    expect(names).toEqual(['IHDR', 'cICP', 'sRGB', 'IEND']);
  },
);

test('of 16 bits holds each value v as v * 257', async () => {
  const { data, info } = await sharp(await encodeDeepPng(ramp))
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 16, height: 16, channels: 3 });
  const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  expect([...values]).toEqual([...ramp.rgb].map((value) => value * 257));
});
