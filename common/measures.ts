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
  /** Over frames: smoothed from generated. */
  readonly drift: Sum;
}

/** Means over a clip; undefined where there was nothing to measure (flicker of one frame). */
export interface ClipMetrics {
  readonly flicker: BeforeAndAfter;
  readonly edgeF1: BeforeAndAfter;
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
  return {
    flicker: {
      generated: mean(({ flicker }) => flicker.generated),
      smoothed: mean(({ flicker }) => flicker.smoothed),
    },
    edgeF1: {
      generated: mean(({ edgeF1 }) => edgeF1?.generated),
      smoothed: mean(({ edgeF1 }) => edgeF1?.smoothed),
    },
    drift: mean(({ drift }) => drift),
  };
}
