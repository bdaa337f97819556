import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { windowLayout } from '../../../recipes/pipeline/layout.ts';
import type { FrameRange } from '../../../recipes/pipeline/layout.ts';
import { byShot, shotsOf } from '../../../recipes/pipeline/shots.ts';
import { blocksByShot } from '../../../recipes/pipeline/windows.ts';

const clip = fc
  .record({
    frames: fc.integer({ min: 2, max: 90 }),
    places: fc.uniqueArray(fc.integer({ min: 1, max: 89 }), { maxLength: 6 }),
  })
  .map(({ frames, places }) => ({
    frames,
    cuts: places.filter((place) => place < frames).toSorted((a, b) => a - b),
  }));
const cut = fc.record({
  length: fc.integer({ min: 1, max: 12 }),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  block: fc.integer({ min: 1, max: 5 }),
});

const framesOf = ({ start, count }: FrameRange): number[] =>
  Array.from({ length: count }, (_, i) => start + i);

describe('a clip of shots', () => {
  it('has each frame in one of them', () => {
    fc.assert(
      fc.property(clip, (one) => {
        expect(shotsOf(one).flatMap(framesOf)).toEqual(framesOf({ start: 0, count: one.frames }));
        expect(shotsOf(one).slice(1)).toMatchObject(one.cuts.map((start) => ({ start })));
      }),
    );
  });

  it('has no window side by side that crosses a cut, and each frame in the one that owns it', () => {
    fc.assert(
      fc.property(clip, fc.integer({ min: 1, max: 12 }), (one, window) => {
        const layout = byShot(shotsOf(one), (frames) => windowLayout(frames, window));
        const tasks = framesOf({ start: 0, count: layout.count });
        for (const task of tasks) {
          const own = framesOf(layout.range(task));
          expect(own.slice(1).some((frame) => one.cuts.includes(frame))).toBe(false);
        }
        for (const frame of framesOf({ start: 0, count: one.frames })) {
          expect(framesOf(layout.range(layout.owner(frame)))).toContain(frame);
        }
      }),
    );
  });

  it('is read in copies of the windows that hold a frame, none of which crosses a cut', () => {
    fc.assert(
      fc.property(clip, cut, (one, { length, part, block }) => {
        const stride = Math.max(1, Math.ceil(length * part));
        const blocks = blocksByShot(shotsOf(one), { length, stride, block });
        const tasks = framesOf({ start: 0, count: blocks.count });
        /** What each task makes: its windows one after the other. */
        const made = tasks.map((task) => blocks.windows(task).map(framesOf));
        for (const window of made.flat()) {
          expect(window.slice(1).some((frame) => one.cuts.includes(frame))).toBe(false);
        }
        expect(new Set(made.flat(2)).size).toBe(one.frames);
        for (const task of tasks) {
          const range = blocks.range(task);
          expect([...new Set(made[task]!.flat())]).toEqual(framesOf(range));
          expect(blocks.run?.(task)).toBe(made[task]!.flat().length);
          const { slices, parts, length: own } = blocks.copies(range);
          expect(made[task]!.every((window) => window.length === own)).toBe(true);
          const read = parts.flatMap(({ index, offset, count }) =>
            made[index]!.flat().slice(offset, offset + count),
          );
          const wanted = made.flat(2).filter((frame) => framesOf(range).includes(frame));
          expect(read).toEqual(wanted);
          const told = slices.flatMap(({ first, count }) =>
            framesOf({ start: range.start + first, count }),
          );
          expect(told).toEqual(wanted);
        }
      }),
    );
  });
});
