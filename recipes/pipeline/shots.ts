// Shots of a clip: the frames between two cuts. What sees several frames at once sees frames of one shot. Pure arithmetic.

import type { FrameRange, Layout } from './layout.ts';

export interface CutClip {
  readonly frames: number;
  /** First frames of the shots after the first one, rising; absent where there is but one shot. */
  readonly cuts?: readonly number[] | undefined;
}

/** In order; each frame lies in one of them. */
export function shotsOf({ frames, cuts = [] }: CutClip): readonly FrameRange[] {
  return [0, ...cuts].map((start, i) => ({ start, count: (cuts[i] ?? frames) - start }));
}

/** Frames of the longest one. */
export function longestShot(clip: CutClip): number {
  return shotsOf(clip).reduce((longest, { count }) => Math.max(longest, count), 1);
}

/** The shots' own layouts, one after the other. */
export interface ShotLayout<L extends Layout> extends Layout {
  ofTask(index: number): ShotPart<L>;
  ofFrame(frame: number): ShotPart<L>;
}

/** A shot in a layout of all: its first frame, and the number of its first task. */
export interface ShotPart<L extends Layout> {
  readonly layout: L;
  readonly start: number;
  readonly first: number;
}

/** Each shot cut by itself, as a clip of so many frames. */
export function byShot<L extends Layout>(
  shots: readonly FrameRange[],
  cut: (frames: number) => L,
): ShotLayout<L> {
  let count = 0;
  const parts = shots.map(({ start, count: frames }): ShotPart<L> => {
    const part = { layout: cut(frames), start, first: count };
    count += part.layout.count;
    return part;
  });
  const ofTask = (index: number) => lastUpTo(parts, index, ({ first }) => first);
  const ofFrame = (frame: number) => lastUpTo(parts, frame, ({ start }) => start);
  return {
    count,
    ...(parts.length > 1 && { isUneven: true }),
    ofTask,
    ofFrame,
    range: (index) => {
      const { layout, start, first } = ofTask(index);
      return shifted(layout.range(index - first), start);
    },
    run: (index) => {
      const { layout, first } = ofTask(index);
      return layout.run?.(index - first) ?? layout.range(index - first).count;
    },
    owner: (frame) => {
      const { layout, start, first } = ofFrame(frame);
      return first + layout.owner(frame - start);
    },
  };
}

/** The range in frames that count from elsewhere. */
export function shifted({ start, count }: FrameRange, by: number): FrameRange {
  return { start: start + by, count };
}

/** Of a list whose keys rise from 0, the last whose key is not above `value`. */
export function lastUpTo<T>(all: readonly T[], value: number, key: (one: T) => number): T {
  let [low, high] = [0, all.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (key(all[middle]!) <= value) low = middle;
    else high = middle - 1;
  }
  return all[low]!;
}
