// The figures of a clip's quality, between the task that measures a few frames and whoever adds them up. Definitions: docs/metrics.md.

/** Sum and count: the mean over a clip is the sum of sums by the sum of counts. */
export interface Sum {
  readonly sum: number;
  readonly count: number;
}

/** The JSON of a measure task's `metrics` output. */
export interface MeasureSums {
  /** Over pairs of neighbouring frames of one shot. */
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
  /** How far flicker, edge F1 and colour drift leave those of the clip's beginning as it goes on; 0: as well at the end as at the beginning. */
  readonly driftError: {
    readonly flicker: BeforeAndAfter;
    readonly edgeF1: BeforeAndAfter;
    readonly drift: number | undefined;
  };
}

/** Parts of a clip that are compared with the first of them. */
export const CHUNKS = 8;

interface BeforeAndAfter {
  /** Of the frames that went into smoothing. */
  readonly generated: number | undefined;
  readonly smoothed: number | undefined;
}

/** The means over all that some tasks measured, given in the order of frames. */
export function meansOf(sums: readonly MeasureSums[]): ClipMetrics {
  const mean = (pick: (sums: MeasureSums) => Sum | undefined): number | undefined =>
    meanOf(sums, pick);
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
    driftError: {
      flicker: {
        generated: driftErrorOf(sums, ({ flicker }) => flicker.generated),
        smoothed: driftErrorOf(sums, ({ flicker }) => flicker.smoothed),
      },
      edgeF1: {
        generated: driftErrorOf(sums, ({ edgeF1 }) => edgeF1?.generated),
        smoothed: driftErrorOf(sums, ({ edgeF1 }) => edgeF1?.smoothed),
      },
      drift: driftErrorOf(sums, ({ drift }) => drift),
    },
  };
}

type PickSum = (sums: MeasureSums) => Sum | undefined;

/** Mean over the chunks after the first of their relative departure from it. Undefined where there are too few tasks for chunks, or nothing to depart from. */
function driftErrorOf(sums: readonly MeasureSums[], pick: PickSum): number | undefined {
  if (sums.length < CHUNKS) return undefined;
  const departures = departuresOf(chunksOf(sums).map((chunk) => meanOf(chunk, pick)));
  if (departures === undefined) return undefined;
  return departures.reduce((sum, one) => sum + one, 0) / departures.length;
}

/** So many as `CHUNKS`, of about one length. */
export function chunksOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: CHUNKS }, (_, chunk) => {
    const [start, end] = [chunk, chunk + 1].map((at) => Math.floor((at * all.length) / CHUNKS));
    return all.slice(start, end);
  });
}

/** How far each but the first is from it, relatively; undefined where one is not known, or there is nothing to depart from. */
export function departuresOf(
  means: readonly (number | undefined)[],
): readonly number[] | undefined {
  const [first, ...others] = means;
  if (first === undefined || first <= 0) return undefined;
  const known = others.filter((other) => other !== undefined);
  if (known.length < others.length) return undefined;
  return known.map((other) => Math.abs(other - first) / first);
}

function meanOf(sums: readonly MeasureSums[], pick: PickSum): number | undefined {
  const { sum, count } = totalOf(sums.map(pick));
  return count === 0 ? undefined : sum / count;
}

function totalOf(sums: readonly (Sum | undefined)[]): Sum {
  let [sum, count] = [0, 0];
  for (const one of sums) {
    sum += one?.sum ?? 0;
    count += one?.count ?? 0;
  }
  return { sum, count };
}
