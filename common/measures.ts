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
    const found = sums.map(pick).filter((one) => one !== undefined);
    const count = found.reduce((total, one) => total + one.count, 0);
    return count === 0 ? undefined : found.reduce((total, one) => total + one.sum, 0) / count;
  };
  const means = (figure: Exclude<keyof MeasureSums, 'drift'>): BeforeAndAfter => ({
    generated: mean(({ [figure]: both }) => both?.generated),
    smoothed: mean(({ [figure]: both }) => both?.smoothed),
  });
  return {
    flicker: means('flicker'),
    edgeF1: means('edgeF1'),
    depthCorrelation: means('depthCorrelation'),
    jointPck: means('jointPck'),
    drift: mean(({ drift }) => drift),
  };
}
