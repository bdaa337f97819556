// The figures of clips: those that renders measure (docs/metrics.md), frame by frame, and each clip against the reference.

import { chunksOf, departuresOf } from '../../common/measures.ts';
import { driftOfFrame } from '../../workers/vision/metrics/colour-drift.ts';
import { depthCorrelationOfFrame } from '../../workers/vision/metrics/depth-correlation.ts';
import { edgeF1OfFrame } from '../../workers/vision/metrics/edge-f1.ts';
import { flickerOfPair } from '../../workers/vision/metrics/flicker.ts';
import { jointPckOfFrame } from '../../workers/vision/metrics/joint-pck.ts';
import type { Figure, Measured } from '../report/report.ts';
import { cosine } from './clip-model.ts';
import type { ClipModel } from './clip-model.ts';
import type { Clip } from './clip.ts';

/** Frames of a clip of which it is told how it leaves its beginning. */
const LONG_FRAMES = 64;
const DEPARTING = ['flicker', 'edgeF1', 'drift'] as const;

export const FIGURES: readonly Figure[] = [
  {
    id: 'flicker',
    name: 'Flicker',
    along: 'frame pair',
    unit: 'levels of 255',
    better: 'lower',
    doc: 'What differs from the frame before once motion is taken away.',
  },
  {
    id: 'edgeF1',
    name: 'Control fidelity',
    along: 'frame',
    unit: 'edge F1, 0 to 1',
    better: 'higher',
    doc: "How well the frame's edges lie on those of the control that it was to follow.",
  },
  {
    id: 'depthCorrelation',
    name: 'Depth fidelity',
    along: 'frame',
    unit: 'correlation, -1 to 1',
    better: 'higher',
    doc: 'How well what an annotator sees as near and far agrees with the depth that the frame was to follow.',
  },
  {
    id: 'jointPck',
    name: 'Joint fidelity',
    along: 'frame',
    unit: 'PCK, 0 to 1',
    better: 'higher',
    doc: 'The share of joints that an annotator sees where they were to be, within 4 pixels of 128.',
  },
  {
    id: 'drift',
    name: 'Drift',
    along: 'frame',
    unit: 'levels of 255',
    better: 'lower',
    doc: 'How far colours are from the same frame of the reference.',
  },
  {
    id: 'clipConsistency',
    name: 'Frame consistency',
    along: 'frame pair',
    unit: 'CLIP cosine',
    better: 'higher',
    doc: 'How alike a frame and the one before are to CLIP. A frozen clip has 1.',
  },
  {
    id: 'clipText',
    name: 'Text alignment',
    along: 'frame',
    unit: 'CLIP cosine',
    better: 'higher',
    doc: 'How alike a frame and the prompt are to CLIP.',
  },
  ...DEPARTING.map(departureFigure),
];

function departureFigure(of: (typeof DEPARTING)[number]): Figure {
  const called = { flicker: 'flicker', edgeF1: 'control fidelity', drift: 'drift' }[of];
  return {
    id: departureId(of),
    name: `Drift error, ${called}`,
    along: 'part of the clip',
    unit: 'share of the first part',
    better: 'lower',
    doc: `How far the mean ${called} of each eighth of a long clip is from that of the first.`,
  };
}

function departureId(of: string): string {
  return `driftError.${of}`;
}

export interface MeasureOptions {
  readonly signal: AbortSignal;
  /** For what only a CLIP can tell. @default that is left out */
  readonly model?: ClipModel | undefined;
}

/** By the figure's id; those that cannot be had of it are absent. Stops when the signal aborts. */
export async function measureClip(
  clip: Clip,
  reference: Clip,
  { signal, model }: MeasureOptions,
): Promise<Readonly<Record<string, Measured>>> {
  const { frames, control, depth, joints, prompt, cuts = [] } = clip;
  const over = async (
    count: number,
    figure: (index: number) => number | null,
  ): Promise<Measured | undefined> => {
    const series: (number | null)[] = [];
    for (let index = 0; index < count; index++) {
      signal.throwIfAborted();
      series.push(figure(index));
      // Ctrl-C has its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const mean = meanOf(series);
    return mean === undefined ? undefined : { series, mean };
  };
  const overPairs = (figure: (before: number, frame: number) => number) =>
    over(frames.length - 1, (i) => (cuts.includes(i + 1) ? null : figure(i, i + 1)));
  const flicker = await overPairs((before, frame) =>
    flickerOfPair(frames[before]!, frames[frame]!),
  );
  const edgeF1 =
    control &&
    (await over(frames.length, (i) => edgeF1OfFrame(control.frames[i]!, frames[i]!, control).f1));
  const depthCorrelation =
    depth &&
    (await over(frames.length, (i) => depthCorrelationOfFrame(depth.control[i]!, depth.own[i]!)));
  const jointPck =
    joints &&
    (await over(frames.length, (i) => {
      const { width, height } = frames[i]!;
      const asked = { width, height, threshold: joints.threshold };
      return jointPckOfFrame(joints.control[i]!, joints.own[i]!, asked);
    }));
  const drift =
    clip === reference
      ? undefined
      : await over(frames.length, (i) => driftOfFrame(reference.frames[i]!, frames[i]!));
  const seen = await model?.embedPictures(frames);
  const text = prompt === undefined || prompt === '' ? undefined : await model?.embedText(prompt);
  const clipConsistency =
    seen && (await overPairs((before, frame) => cosine(seen[before]!, seen[frame]!)));
  const clipText = seen && text && (await over(frames.length, (i) => cosine(seen[i]!, text)));
  const figures = { flicker, edgeF1, drift };
  const departures = DEPARTING.map((of) => [departureId(of), departureOf(figures[of])] as const);
  const all = Object.entries({
    ...{ flicker, edgeF1, depthCorrelation, jointPck, drift },
    ...{ clipConsistency, clipText },
    ...(frames.length < LONG_FRAMES ? {} : Object.fromEntries(departures)),
  });
  return Object.fromEntries(all.filter((one): one is [string, Measured] => one[1] !== undefined));
}

/** Of a figure's series in eighths: what renders call the drift error, and what it is the mean of. */
function departureOf(figure: Measured | undefined): Measured | undefined {
  if (figure === undefined) return undefined;
  const series = departuresOf(chunksOf(figure.series).map(meanOf));
  return series && { series, mean: meanOf(series)! };
}

/** Of what was looked at; undefined if nothing was. */
function meanOf(series: Measured['series']): number | undefined {
  const values = series.filter((one) => one !== null);
  if (values.length === 0) return undefined;
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}
