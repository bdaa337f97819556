import { describe, expect, it } from 'vitest';

import { blocksOf, copiesOf, overlappingWindows } from '../../../recipes/pipeline/windows.ts';
import type { FrameRange } from '../../../recipes/pipeline/layout.ts';

const SIZES = [
  { frames: 5, length: 4, stride: 1 },
  { frames: 8, length: 4, stride: 3 },
  { frames: 12, length: 4, stride: 4 },
  { frames: 13, length: 4, stride: 4 },
  { frames: 24, length: 8, stride: 4 },
  { frames: 25, length: 8, stride: 5 },
  { frames: 40, length: 7, stride: 2 },
];

function framesOf({ start, count }: FrameRange): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}

describe.each(SIZES)('windows of $length, $stride apart, over $frames frames', (size) => {
  const { frames, length, stride } = size;
  const windows = overlappingWindows(frames, size);
  const ranges = Array.from({ length: windows.count }, (_, i) => windows.range(i));

  it('begin one stride apart and end at the last frame, and no two are the same', () => {
    const starts = ranges.map(({ start }) => start);
    expect(starts.slice(0, -1)).toEqual(starts.slice(0, -1).map((_, i) => i * stride));
    expect(starts.at(-1)).toBe(frames - length);
    expect(new Set(starts).size).toBe(starts.length);
    expect(new Set(ranges.flatMap(framesOf)).size).toBe(frames);
  });

  it('are found by the frames that they hold', () => {
    for (let start = 0; start < frames; start += 1) {
      for (let count = 1; start + count <= frames; count += 1) {
        const asked = new Set(framesOf({ start, count }));
        const holding = ranges.flatMap((own, i) =>
          framesOf(own).some((f) => asked.has(f)) ? [i] : [],
        );
        expect(windows.covering({ start, count })).toEqual(holding);
      }
    }
  });

  it.each([1, 2, 3, 64])(
    'in blocks of %i hand out every copy of a frame in the order of windows',
    (count) => {
      const blocks = blocksOf(windows, count);
      /** What each block makes: its windows one after the other, here as names of frames. */
      const made = Array.from({ length: blocks.count }, (_, block) =>
        blocks
          .members(block)
          .flatMap((window) => framesOf(ranges[window]!).map((frame) => ({ window, frame }))),
      );
      expect(made.flat()).toHaveLength(windows.count * length);
      for (let block = 0; block < blocks.count; block += 1) {
        const range = blocks.range(block);
        const { slices, parts } = copiesOf(blocks, range);
        const read = parts.flatMap(({ index, offset, count: many }) =>
          made[index]!.slice(offset, offset + many),
        );
        const told = slices.flatMap(({ first, count: many }) =>
          framesOf({ start: range.start + first, count: many }),
        );
        const wanted = made.flat().filter(({ frame }) => framesOf(range).includes(frame));
        expect(read).toEqual(wanted);
        expect(told).toEqual(wanted.map(({ frame }) => frame));
        const places = slices.flatMap(({ offset, count: many }) =>
          framesOf({ start: offset, count: many }),
        );
        expect(places).toEqual(wanted.map(({ window, frame }) => frame - ranges[window]!.start));
      }
    },
  );
});
