// The figures of a clip's quality, between the task that measures a few frames and whoever adds them up. Definitions: docs/metrics.md.

/** Sum and count: the mean over a clip is the sum of sums by the sum of counts. */
export interface Sum {
  readonly sum: number;
  readonly count: number;
}

/** The JSON of a measure task's `metrics` output. */
export interface MeasureSums {
  /** Over pairs of neighbouring frames. */
  readonly flicker: { readonly generated: Sum; readonly smoothed: Sum };
  /** Of those, the pairs between which a window begins or ends; absent where there is but one window. */
  readonly seamFlicker?: { readonly generated: Sum; readonly smoothed: Sum };
  /** Over frames, against the control; absent where there is none. */
  readonly edgeF1?: { readonly generated: Sum; readonly smoothed: Sum };
  /** Over frames, of depth as an annotator sees it, against the control; absent where there is none. */
  readonly depthCorrelation?: { readonly generated: Sum; readonly smoothed: Sum };
  /** Over frames, of joints as an annotator sees them, against the control; absent where there is none. */
  readonly jointPck?: { readonly generated: Sum; readonly smoothed: Sum };
  /** Over frames: smoothed from generated. */
  readonly drift: Sum;
}

/** Means over a clip; undefined where there was nothing to measure (flicker of one frame). */
export interface ClipMetrics {
  readonly flicker: BeforeAndAfter;
  /** Flicker between frames where a window begins or ends, by that between others; 1: seams do not show. */
  readonly seamRatio: BeforeAndAfter;
  readonly edgeF1: BeforeAndAfter;
  readonly depthCorrelation: BeforeAndAfter;
  readonly jointPck: BeforeAndAfter;
  readonly drift: number | undefined;
}

interface BeforeAndAfter {
  /** Of the frames that went into smoothing. */
  readonly generated: number | undefined;
  readonly smoothed: number | undefined;
}

/** The means over all that some tasks measured. */
export function meansOf(sums: readonly MeasureSums[]): ClipMetrics {
  const mean = (pick: (sums: MeasureSums) => Sum | undefined): number | undefined => {
    const { sum, count } = totalOf(sums.map(pick));
    return count === 0 ? undefined : sum / count;
  };
  const means = (figure: Exclude<keyof MeasureSums, 'drift' | 'seamFlicker'>): BeforeAndAfter => ({
    generated: mean(({ [figure]: both }) => both?.generated),
    smoothed: mean(({ [figure]: both }) => both?.smoothed),
  });
  const seamRatio = (which: keyof BeforeAndAfter): number | undefined => {
    const [all, seams] = [
      (one: MeasureSums) => one.flicker[which],
      (one: MeasureSums) => one.seamFlicker?.[which],
    ].map((pick) => totalOf(sums.map(pick)));
    const others = { sum: all!.sum - seams!.sum, count: all!.count - seams!.count };
    if (seams!.count === 0 || others.count === 0 || others.sum <= 0) return undefined;
    return seams!.sum / seams!.count / (others.sum / others.count);
  };
  return {
    flicker: means('flicker'),
    seamRatio: { generated: seamRatio('generated'), smoothed: seamRatio('smoothed') },
    edgeF1: means('edgeF1'),
    depthCorrelation: means('depthCorrelation'),
    jointPck: means('jointPck'),
    drift: mean(({ drift }) => drift),
  };
}

function totalOf(sums: readonly (Sum | undefined)[]): Sum {
  let [sum, count] = [0, 0];
  for (const one of sums) {
    sum += one?.sum ?? 0;
    count += one?.count ?? 0;
  }
  return { sum, count };
}
