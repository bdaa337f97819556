// What a measure task finds, in numbers that add up over the tasks of a clip. Definitions: docs/metrics.md.

import type { MeasureSums, Sum } from '../../../common/measures.ts';
import type { RgbImage } from '../../media/media-types.ts';
import { driftOfFrame } from '../../vision/metrics/colour-drift.ts';
import { depthCorrelationOfFrame } from '../../vision/metrics/depth-correlation.ts';
import { edgeF1OfFrame } from '../../vision/metrics/edge-f1.ts';
import { flickerOfPair } from '../../vision/metrics/flicker.ts';
import { jointPckOfFrame } from '../../vision/metrics/joint-pck.ts';
import type { Joint } from '../../vision/skeleton.ts';

/** The same frames in all lists. */
export interface MeasuredFrames {
  /** What edges are compared with; absent where the task has no outlines. */
  readonly control?: Control;
  /** As an annotator sees it; absent where the task draws along no depth. */
  readonly depth?: Compared<RgbImage>;
  /** The same of joints. */
  readonly joints?: Compared<readonly Joint[]> & { readonly threshold: number };
  readonly generated: readonly RgbImage[];
  readonly smoothed: readonly RgbImage[];
}

export interface Control {
  readonly frames: readonly RgbImage[];
  /** Thresholds of canny, as the control was drawn with. */
  readonly low: number;
  readonly high: number;
}

/** What is seen in the source, which frames are drawn along, and in what was drawn. */
export interface Compared<T> {
  readonly control: readonly T[];
  readonly generated: readonly T[];
  readonly smoothed: readonly T[];
}

export interface MeasureOptions {
  /** How many of the last frames count; those before them are only looked back to. */
  readonly own: number;
  /** Of those, from 0, the ones whose flicker is also summed apart. */
  readonly seams: readonly number[];
  /** Likewise those whose flicker is not looked at. */
  readonly cuts: readonly number[];
  /** Called before each figure of each frame; may throw to stop. */
  readonly beforeEach: () => void;
}

export function measureFrames(frames: MeasuredFrames, options: MeasureOptions): MeasureSums {
  const { own, seams, cuts, beforeEach } = options;
  const first = frames.generated.length - own;
  const generated = frames.generated.slice(first);
  const smoothed = frames.smoothed.slice(first);
  const sumOver = <T>(frames: readonly T[], figure: (frame: T, index: number) => number): Sum => {
    let sum = 0;
    for (const [index, frame] of frames.entries()) {
      beforeEach();
      sum += figure(frame, index);
    }
    return { sum, count: frames.length };
  };
  // A pair is told by its second frame.
  const pairs = (pictures: readonly RgbImage[]): Map<number, number> => {
    const found = new Map<number, number>();
    for (const [before, picture] of pictures.slice(1).entries()) {
      const frame = before + 1 - first;
      if (cuts.includes(frame)) continue;
      beforeEach();
      found.set(frame, flickerOfPair(pictures[before]!, picture));
    }
    return found;
  };
  const flicker = { generated: pairs(frames.generated), smoothed: pairs(frames.smoothed) };
  const atSeams = (all: ReadonlyMap<number, number>): Sum =>
    sumOf(seams.map((frame) => all.get(frame)!));
  const edges = (pictures: readonly RgbImage[], { frames: all, low, high }: Control): Sum => {
    const control = all.slice(first);
    return sumOver(pictures, (picture, i) => {
      return edgeF1OfFrame(control[i]!, picture, { low, high }).f1;
    });
  };
  const kept = <T>(
    compared: Compared<T>,
    figure: (control: T, frame: T, index: number) => number,
  ): { generated: Sum; smoothed: Sum } => {
    const asked = compared.control.slice(first);
    const sums = (seen: readonly T[]): Sum => {
      return sumOver(seen.slice(first), (frame, i) => figure(asked[i]!, frame, i));
    };
    return { generated: sums(compared.generated), smoothed: sums(compared.smoothed) };
  };
  const { control, depth, joints } = frames;
  return {
    flicker: {
      generated: sumOf([...flicker.generated.values()]),
      smoothed: sumOf([...flicker.smoothed.values()]),
    },
    ...(seams.length > 0 && {
      seamFlicker: { generated: atSeams(flicker.generated), smoothed: atSeams(flicker.smoothed) },
    }),
    ...(control !== undefined && {
      edgeF1: { generated: edges(generated, control), smoothed: edges(smoothed, control) },
    }),
    ...(depth !== undefined && { depthCorrelation: kept(depth, depthCorrelationOfFrame) }),
    ...(joints !== undefined && {
      jointPck: kept(joints, (asked, found, i) => {
        const { width, height } = generated[i]!;
        return jointPckOfFrame(asked, found, { width, height, threshold: joints.threshold });
      }),
    }),
    drift: sumOver(smoothed, (picture, i) => driftOfFrame(generated[i]!, picture)),
  };
}

function sumOf(values: readonly number[]): Sum {
  return { sum: values.reduce((sum, value) => sum + value, 0), count: values.length };
}
