// How a long clip leaves its beginning, on frames whose figures are known: the drift of plain pictures from each other is the difference of their levels.

import { expect, it } from 'vitest';

import type { Clip } from '../../../../cli/compare/clip.ts';
import { FIGURES, measureClip } from '../../../../cli/compare/measure-clips.ts';

const SIZE = 16;

function clipOf(label: string, levels: readonly number[]): Clip {
  const frames = levels.map((level) => {
    return { width: SIZE, height: SIZE, rgb: new Uint8Array(3 * SIZE * SIZE).fill(level) };
  });
  return { label, frames, framesPerSecond: 8, kind: 'measured', origin: { path: label } };
}

const { signal } = new AbortController();
const dark = (frames: number): Clip => clipOf('dark', new Array<number>(frames).fill(100));
/** So far from dark: 10 levels in its first eighth, 12 in its second, and so on. */
const leaving = (frames: number): Clip => {
  return clipOf(
    'leaving',
    Array.from({ length: frames }, (_, frame) => 110 + 2 * Math.floor((8 * frame) / frames)),
  );
};

it('of a clip of 64 frames is told in seven parts after its first, and their mean', async () => {
  const figures = await measureClip(leaving(64), dark(64), { signal });
  const { series, mean } = figures['driftError.drift']!;
  expect(series.map((one) => Number(one.toFixed(6)))).toEqual([0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4]);
  expect(mean).toBeCloseTo(0.8, 6);
  const told = FIGURES.find(({ id }) => id === 'driftError.drift');
  expect(told).toMatchObject({ along: 'part of the clip', better: 'lower' });
});

it('is nothing of a shorter one, and of one that has nothing to leave', async () => {
  const short = await measureClip(leaving(63), dark(63), { signal });
  expect(Object.keys(short)).toEqual(['flicker', 'drift']);
  const still = await measureClip(dark(64), dark(64), { signal });
  // The first eighth neither flickers nor drifts.
  expect(Object.keys(still)).toEqual(['flicker', 'drift']);
});
