// The bound on instances that can be worked out by hand.

import { describe, expect, it } from 'vitest';

import { LowerBound } from '../../../../coordinator/simulation/lower-bound.ts';
import type { Bound } from '../../../../coordinator/simulation/lower-bound.ts';

interface Staged {
  readonly frames: number;
  /** First and last frame, exclusive, of each window. */
  readonly windows: readonly (readonly [number, number])[];
  readonly slots: readonly [number, number, number];
  /** Of a frame, of a window's mix, of a window. */
  readonly times: readonly [number, number, number];
}

/** Frames, then a mix task for each window, then a window task for each mix. */
function boundOf({ frames, windows, slots, times }: Staged): Bound {
  const size = frames + 2 * windows.length;
  const groupOf = new Uint16Array(size);
  const durations = new Float64Array(size).fill(times[0]);
  const dependencies: number[][] = Array.from({ length: size }, () => []);
  windows.forEach(([from, to], index) => {
    const mix = frames + index;
    const window = mix + windows.length;
    groupOf[mix] = 1;
    groupOf[window] = 2;
    durations[mix] = times[1];
    durations[window] = times[2];
    dependencies[mix] = Array.from({ length: to - from }, (_, i) => from + i);
    dependencies[window] = [mix];
  });
  const groups = ['frame', 'mix', 'window'].map((name, pool) => ({ name, pool }));
  const shape = { size, groupOf, dependencies: (task: number) => dependencies[task]! };
  const bound = new LowerBound(shape, groups, slots);
  bound.add(durations, 0);
  return bound.value();
}

function windowsOf(frames: number, size: number, step: number): [number, number][] {
  const count = Math.ceil((frames - (size - step)) / step);
  return Array.from({ length: count }, (_, i) => [
    Math.min(i * step, frames - size),
    Math.min(i * step + size, frames),
  ]);
}

describe('the lower bound', () => {
  it('of 240 frames in overlapping windows is 93 by area, and 108 by rounds, which a greedy schedule reaches', () => {
    const staged = {
      frames: 240,
      windows: windowsOf(240, 16, 14),
      slots: [16, 2, 4],
      times: [2, 6, 20],
    } as const;
    expect(staged.windows).toHaveLength(17);
    const bound = boundOf(staged);
    // Head of the windows 2 + 6, then 17 * 20 / 4.
    expect(bound.area).toBeCloseTo(93, 9);
    expect(bound.makespan).toBeCloseTo(108, 9);
    expect(bound.because).toBe('the number of window tasks');
  });

  it('of 15 windows of 16 frames on 8, 2 and 2 workers is 1.70 s', () => {
    const bound = boundOf({
      frames: 240,
      windows: windowsOf(240, 16, 16),
      slots: [8, 2, 2],
      times: [0.02, 0.06, 0.2],
    });
    // 16 frames on 8 workers, a mix, then 8 rounds of windows.
    expect(bound.makespan).toBeCloseTo(1.7, 9);
  });

  it('of a lone window is its chain', () => {
    const bound = boundOf({
      frames: 4,
      windows: [[0, 4]],
      slots: [100, 100, 100],
      times: [1, 2, 3],
    });
    expect(bound.makespan).toBeCloseTo(6, 9);
    expect(bound.because).toBe('the longest chain of tasks');
  });

  it('of frames that outnumber all else is their work and what comes after the last of them', () => {
    const bound = boundOf({
      frames: 100,
      windows: windowsOf(100, 10, 10),
      slots: [1, 10, 10],
      times: [1, 0.5, 0.25],
    });
    expect(bound.makespan).toBeCloseTo(100.75, 9);
  });

  it('counts from the submission of a job', () => {
    const shape = { size: 1, groupOf: new Uint16Array(1), dependencies: () => [] };
    const bound = new LowerBound(shape, [{ name: 'frame', pool: 0 }], [1]);
    bound.add(new Float64Array([5]), 0);
    bound.add(new Float64Array([5]), 40);
    expect(bound.value().makespan).toBe(45);
  });
});
