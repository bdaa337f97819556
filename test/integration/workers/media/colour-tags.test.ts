// Do all tags that a clip may have lead to a picture? Frames with each, through FFmpeg's own filters; what they hold is no matter here.

import { describe, expect, test } from 'vitest';
import { avGetPixFmtFromName, Frame } from 'node-av/lib';
import { PictureGraph } from '../../../../workers/media/ffmpeg/picture-graph.ts';
import { UPRIGHT } from '../../../../workers/media/ffmpeg/orientation.ts';

const SIZE = { width: 32, height: 32 };
/** All that ISO/IEC 23091-2 has but 3, which is reserved, and 11 and 13, which nothing here knows: clips with them are refused. */
const MATRICES = [1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 14];
const PRIMARIES = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22];
const TRANSFERS = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];
const UNKNOWN = 2;

function pictures(format: string, bytes: number, tags: readonly [number, number, number]): number {
  const [matrix, primaries, transfer] = tags;
  const container = { matrix: UNKNOWN, primaries: UNKNOWN, transfer: UNKNOWN, range: 0 };
  const settings = { orientation: UPRIGHT, crop: undefined, deinterlace: false };
  using graph = new PictureGraph({ ...settings, containerTags: container });
  const pixels = Buffer.alloc(bytes, 100);
  using frame = Frame.fromVideoBuffer(pixels, {
    ...SIZE,
    format: avGetPixFmtFromName(format),
    pts: 0n,
  });
  frame.colorSpace = matrix as typeof frame.colorSpace;
  frame.colorPrimaries = primaries as typeof frame.colorPrimaries;
  frame.colorTrc = transfer as typeof frame.colorTrc;
  return [...graph.push(frame)].length;
}

describe.each([
  ['yuv420p', 32 * 32 * 1.5],
  ['yuv444p10le', 32 * 32 * 3 * 2],
  ['gray', 32 * 32],
] as const)('%s', (format, bytes) => {
  test.each(MATRICES)('is brought to RGB by matrix %d', (matrix) => {
    for (const primaries of PRIMARIES)
      for (const transfer of TRANSFERS)
        expect(
          pictures(format, bytes, [matrix, primaries, transfer]),
          `${primaries} ${transfer}`,
        ).toBe(1);
  });
});

test('RGB keeps to RGB whatever its primaries and transfer', () => {
  for (const primaries of PRIMARIES)
    for (const transfer of TRANSFERS)
      expect(pictures('gbrp', 32 * 32 * 3, [0, primaries, transfer])).toBe(1);
});
