// How fast a staged graph could be at best, from how long its tasks really took: what a makespan is compared with.
// Pure. Stages have workers of their own: frames (idm), then one mix a chunk, then one smoothing (vdm) a chunk.

export interface StagedTasks {
  /** Seconds of each frame, by chunk. */
  readonly frames: readonly (readonly number[])[];
  /** Seconds of each chunk's mix, in the order of `frames`. */
  readonly mixes: readonly number[];
  /** Seconds of each chunk's smoothing, in the order of `frames`. */
  readonly smooths: readonly number[];
  /** Slots of the three stages. */
  readonly pools: readonly [number, number, number];
}

/**
 * Seconds below which no schedule of this graph can end: for each stage, the least time until its first task can begin, its
 * own work on its own slots, and the least time from its last task's end to the graph's end; and the longest chunk by itself.
 */
export function stageAwareBound({ frames, mixes, smooths, pools }: StagedTasks): number {
  const [frameSlots, mixSlots, smoothSlots] = pools;
  const heads = frames.map((chunk) => frameParallelBound(chunk, frameSlots));
  const tails = mixes.map((mix, chunk) => mix + smooths[chunk]!);
  return Math.max(
    frameParallelBound(frames.flat(), frameSlots) + Math.min(...tails),
    Math.min(...heads) + frameParallelBound(mixes, mixSlots) + Math.min(...smooths),
    Math.min(...heads.map((head, chunk) => head + mixes[chunk]!)) +
      frameParallelBound(smooths, smoothSlots),
    ...heads.map((head, chunk) => head + tails[chunk]!),
  );
}

/**
 * Seconds below which these tasks cannot be done on so many equal slots. Not only work / slots: of the n longest tasks some slot
 * gets at least ceil(n / slots), so the shortest that many of them take their time one after another (15 equal tasks on 2
 * slots: 8 rounds, not 7.5). That holds for every n.
 */
export function frameParallelBound(seconds: readonly number[], slots: number): number {
  const longestFirst = seconds.toSorted((a, b) => b - a);
  let bound = longestFirst.reduce((sum, each) => sum + each, 0) / slots;
  // Only the least n of each ceil(n / slots): a larger one with as many tasks to the slot has shorter tasks.
  for (let n = 1; n <= longestFirst.length; n += slots) {
    const oneSlots = longestFirst.slice(n - Math.ceil(n / slots), n);
    bound = Math.max(
      bound,
      oneSlots.reduce((sum, each) => sum + each, 0),
    );
  }
  return bound;
}
