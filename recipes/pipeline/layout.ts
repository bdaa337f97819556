// How a clip's frames are cut into batches and windows, and which task of a stage holds a frame. Pure
// arithmetic; knows nothing of stages or ids.

/** `count` consecutive frames from `start`. */
export interface FrameRange {
  readonly start: number;
  readonly count: number;
}

/** One cut of a clip: which frames task i makes, and which task's copy of a frame counts. */
export interface Layout {
  readonly count: number;
  range(index: number): FrameRange;
  /** Frames that the task runs, if not those of its range once each: windows of one task may overlap. */
  run?(index: number): number;
  /** The task whose copy of the frame is used. */
  owner(frame: number): number;
  /** Present where not just the last task may run other numbers of frames than the first. */
  readonly isUneven?: true;
}

/** Frames that a task runs. */
export function framesRun(layout: Layout, index: number): number {
  return layout.run?.(index) ?? layout.range(index).count;
}

/** The sum over all tasks of a layout of what each has; where they are even, what the first and the last have tells it. */
export function sumOverTasks(
  { count, isUneven }: Pick<Layout, 'count' | 'isUneven'>,
  ofTask: (index: number) => number,
): number {
  if (isUneven === undefined) return (count - 1) * ofTask(0) + ofTask(count - 1);
  let sum = 0;
  for (let index = 0; index < count; index += 1) sum += ofTask(index);
  return sum;
}

/** Batches of `size` from frame 0: asking for more frames later leaves the earlier batches as they are. */
export function batchLayout(frames: number, size: number): Layout {
  return {
    count: Math.ceil(frames / size),
    range: (index) => ({ start: index * size, count: Math.min(size, frames - index * size) }),
    owner: (frame) => Math.floor(frame / size),
  };
}

/**
 * Independent windows of `size`, side by side. The last one ends at the last frame and is as long as the others, so that the video model
 * never sees a stub; where it overlaps its neighbour, the neighbour's frames count.
 */
export function windowLayout(frames: number, size: number): Layout {
  const length = Math.min(size, frames);
  const count = Math.ceil(frames / size);
  return {
    count,
    range: (index) => ({ start: Math.min(index * size, frames - length), count: length }),
    owner: (frame) => Math.min(Math.floor(frame / size), count - 1),
  };
}

/** A slice of one task's frames. */
export interface LayoutPart {
  readonly index: number;
  readonly offset: number;
  readonly count: number;
}

/** The slices, in frame order, that together are `range`. */
export function partsOfRange(layout: Layout, range: FrameRange): LayoutPart[] {
  const parts: LayoutPart[] = [];
  const end = range.start + range.count;
  let frame = range.start;
  while (frame < end) {
    const index = layout.owner(frame);
    const own = layout.range(index);
    const offset = frame - own.start;
    let count = 1;
    while (frame + count < end && layout.owner(frame + count) === index) count += 1;
    parts.push({ index, offset, count });
    frame += count;
  }
  return parts;
}

export function indicesOf(range: FrameRange): number[] {
  return Array.from({ length: range.count }, (_, i) => range.start + i);
}

/** At most `max` frame indices, evenly spread, first and last among them. */
export function sampleFrames(frames: number, max: number): number[] {
  if (frames <= max) return Array.from({ length: frames }, (_, frame) => frame);
  return Array.from({ length: max }, (_, i) => Math.round((i * (frames - 1)) / (max - 1)));
}
