// What a measure task finds, in numbers that add up over the tasks of a clip. Definitions: docs/metrics.md.

import type { RgbImage } from '../../media/media-types.ts';
import { driftOfFrame } from '../../vision/colour-drift.ts';
import { edgeF1OfFrame } from '../../vision/edge-f1.ts';
import { flickerOfPair } from '../../vision/flicker.ts';

/** Sum and count: the mean over a clip is the sum of sums by the sum of counts. */
export interface Sum {
  readonly sum: number;
  readonly count: number;
}

/** The JSON of the `metrics` output. */
export interface MeasureSums {
  /** Over pairs of neighbouring frames. */
  readonly flicker: { readonly generated: Sum; readonly smoothed: Sum };
  /** Over frames, against the control. */
  readonly edgeF1: { readonly generated: Sum; readonly smoothed: Sum };
  /** Over frames: smoothed from generated. */
  readonly drift: Sum;
}

/** The same frames in all three lists. */
export interface MeasuredFrames {
  readonly control: readonly RgbImage[];
  readonly generated: readonly RgbImage[];
  readonly smoothed: readonly RgbImage[];
}

export interface Thresholds {
  readonly low: number;
  readonly high: number;
}

/** Figures of the last `own` frames; those before are only looked back to. */
export function measureFrames(
  frames: MeasuredFrames,
  own: number,
  thresholds: Thresholds,
): MeasureSums {
  const first = frames.generated.length - own;
  const own3 = {
    control: frames.control.slice(first),
    generated: frames.generated.slice(first),
    smoothed: frames.smoothed.slice(first),
  };
  const edges = (pictures: readonly RgbImage[]): Sum => {
    return sumOver(pictures, (picture, i) => {
      return edgeF1OfFrame(own3.control[i]!, picture, thresholds).f1;
    });
  };
  return {
    flicker: { generated: flicker(frames.generated), smoothed: flicker(frames.smoothed) },
    edgeF1: { generated: edges(own3.generated), smoothed: edges(own3.smoothed) },
    drift: sumOver(own3.smoothed, (picture, i) => driftOfFrame(own3.generated[i]!, picture)),
  };
}

function flicker(pictures: readonly RgbImage[]): Sum {
  return sumOver(pictures.slice(1), (picture, i) => flickerOfPair(pictures[i]!, picture));
}

function sumOver(
  pictures: readonly RgbImage[],
  figure: (picture: RgbImage, index: number) => number,
): Sum {
  const sum = pictures.reduce((total, picture, index) => total + figure(picture, index), 0);
  return { sum, count: pictures.length };
}
