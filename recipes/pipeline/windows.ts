// Windows of a long clip that overlap, and blocks of them. Pure arithmetic.

import type { FrameRange, Layout, LayoutPart } from './layout.ts';
import { byShot, shifted } from './shots.ts';

/** Windows of equal length in order; every frame lies in one of them at least. */
export interface Windows {
  readonly count: number;
  readonly length: number;
  range(index: number): FrameRange;
  /** Those that hold a frame of the range, in order. */
  covering(range: FrameRange): number[];
}

/** Windows of `length`, 1 to `frames`, that begin `stride` apart, 1 to `length`; the last one ends at the last frame. */
export function overlappingWindows(
  frames: number,
  { length, stride }: { readonly length: number; readonly stride: number },
): Windows {
  const lastStart = frames - length;
  const count = Math.ceil(lastStart / stride) + 1;
  const startOf = (index: number): number => Math.min(index * stride, lastStart);
  return {
    count,
    length,
    range: (index) => ({ start: startOf(index), count: length }),
    covering: ({ start, count: size }) => {
      const found: number[] = [];
      const first = Math.max(0, Math.floor((start - length) / stride) + 1);
      for (let index = first; index < count; index += 1) {
        // The last one begins earlier than its number says.
        if (index * stride >= start + size) index = Math.max(index, count - 1);
        const at = startOf(index);
        if (at < start + size && at + length > start) found.push(index);
      }
      return found;
    },
  };
}

/** Of one shot: where it is shorter than a window should be, one window as long as it. */
export function windowsOfShot(
  frames: number,
  { length, stride }: { readonly length: number; readonly stride: number },
): Windows {
  return overlappingWindows(frames, { length: Math.min(length, frames), stride });
}

/** Consecutive windows of one shot that one task runs. What it makes are its windows one after the other, each with all its frames. */
interface ShotBlocks extends Layout {
  readonly windows: Windows;
  /** Of the windows of a block. */
  members(index: number): number[];
}

/** Blocks of so many windows; the last may have fewer. Which copy of a frame counts is for the reader to say: all do. */
export function blocksOf(windows: Windows, size: number): ShotBlocks {
  const members = (index: number): number[] => {
    const first = index * size;
    return Array.from({ length: Math.min(size, windows.count - first) }, (_, i) => first + i);
  };
  return {
    windows,
    count: Math.ceil(windows.count / size),
    members,
    range: (index) => {
      const own = members(index);
      const { start } = windows.range(own[0]!);
      const last = windows.range(own.at(-1)!);
      return { start, count: last.start + last.count - start };
    },
    run: (index) => members(index).length * windows.length,
    owner: (frame) => Math.floor(windows.covering({ start: frame, count: 1 })[0]! / size),
  };
}

/** A window's copies of some frames: `first` counts from the beginning of what is read, `offset` in the window. */
export interface WindowSlice {
  readonly first: number;
  readonly offset: number;
  readonly count: number;
}

/** All copies of the frames of a range, in the order of windows, and where in a block's results they lie. */
export function copiesOf(
  blocks: ShotBlocks,
  range: FrameRange,
): { readonly slices: readonly WindowSlice[]; readonly parts: readonly LayoutPart[] } {
  const { windows } = blocks;
  const size = blocks.members(0).length;
  const slices: WindowSlice[] = [];
  const parts: LayoutPart[] = [];
  for (const window of windows.covering(range)) {
    const { start } = windows.range(window);
    const from = Math.max(start, range.start);
    const count = Math.min(start + windows.length, range.start + range.count) - from;
    slices.push({ first: from - range.start, offset: from - start, count });
    const place = (window % size) * windows.length;
    parts.push({ index: Math.floor(window / size), offset: place + from - start, count });
  }
  return { slices, parts };
}

/** Of all shots of a clip. */
export interface Blocks extends Layout {
  /** Those of a task, in order. */
  windows(index: number): readonly FrameRange[];
  /** All copies of the frames of a range of one shot, and how long its windows are. */
  copies(range: FrameRange): ReturnType<typeof copiesOf> & { readonly length: number };
}

export interface WindowCut {
  /** Of a window; those of a shorter shot are as long as it. */
  readonly length: number;
  readonly stride: number;
  /** Windows of a block. */
  readonly block: number;
}

/** Windows and blocks of each shot by themselves: none crosses a cut, and no frame has a copy that saw another shot. */
export function blocksByShot(
  shots: readonly FrameRange[],
  { length, stride, block }: WindowCut,
): Blocks {
  const joined = byShot(shots, (frames) => {
    return blocksOf(windowsOfShot(frames, { length, stride }), block);
  });
  return {
    ...joined,
    windows: (index) => {
      const { layout: own, start, first } = joined.ofTask(index);
      return own.members(index - first).map((one) => shifted(own.windows.range(one), start));
    },
    copies: (range) => {
      const { layout: own, start, first } = joined.ofFrame(range.start);
      const { slices, parts } = copiesOf(own, shifted(range, -start));
      return {
        length: own.windows.length,
        slices,
        parts: parts.map((part) => ({ ...part, index: first + part.index })),
      };
    },
  };
}
