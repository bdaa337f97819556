// How a long clip leaves its beginning, and what cuts are to figures, on frames whose figures are known: the drift of plain pictures from each other is the difference of their levels.

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
  expect(series.map((one) => Number(one!.toFixed(6)))).toEqual([0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4]);
  expect(mean).toBeCloseTo(0.8, 6);
  const told = FIGURES.find(({ id }) => id === 'driftError.drift');
  expect(told).toMatchObject({ along: 'part of the clip', better: 'lower' });
});

it('does not look at pairs of frames across a cut', async () => {
  const levels = [100, 100, 180, 180, 20];
  const whole = await measureClip(clipOf('whole', levels), dark(5), { signal });
  const flicker = whole['flicker']!.series;
  expect(flicker.map((one) => one! > 0)).toEqual([false, true, false, true]);
  const cut = await measureClip({ ...clipOf('cut', levels), cuts: [2] }, dark(5), { signal });
  expect(cut['flicker']!.series).toEqual([flicker[0], null, flicker[2], flicker[3]]);
  expect(cut['flicker']!.mean).toBeCloseTo(flicker[3]! / 3, 9);
  // What is of frames is of all.
  expect(cut['drift']).toEqual(whole['drift']);
  const apart = await measureClip({ ...clipOf('apart', [0, 255]), cuts: [1] }, dark(2), { signal });
  expect(apart['flicker']).toBeUndefined();
});

it('is nothing of a shorter one, and of one that has nothing to leave', async () => {
  const short = await measureClip(leaving(63), dark(63), { signal });
  expect(Object.keys(short)).toEqual(['flicker', 'drift']);
  const still = await measureClip(dark(64), dark(64), { signal });
  // The first eighth neither flickers nor drifts.
  expect(Object.keys(still)).toEqual(['flicker', 'drift']);
});
