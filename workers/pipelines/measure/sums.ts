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

export interface MeasureOptions {
  /** Of canny, as the control was drawn with. */
  readonly low: number;
  readonly high: number;
  /** How many of the last frames count; those before them are only looked back to. */
  readonly own: number;
  /** Called before each figure of each frame; may throw to stop. */
  readonly beforeEach: () => void;
}

export function measureFrames(frames: MeasuredFrames, options: MeasureOptions): MeasureSums {
  const { low, high, own, beforeEach } = options;
  const first = frames.generated.length - own;
  const [control, generated, smoothed] = [
    frames.control.slice(first),
    frames.generated.slice(first),
    frames.smoothed.slice(first),
  ];
  const sumOver = (
    pictures: readonly RgbImage[],
    figure: (picture: RgbImage, index: number) => number,
  ): Sum => {
    let sum = 0;
    for (const [index, picture] of pictures.entries()) {
      beforeEach();
      sum += figure(picture, index);
    }
    return { sum, count: pictures.length };
  };
  const flicker = (pictures: readonly RgbImage[]): Sum => {
    return sumOver(pictures.slice(1), (picture, i) => flickerOfPair(pictures[i]!, picture));
  };
  const edges = (pictures: readonly RgbImage[]): Sum => {
    return sumOver(pictures, (picture, i) => {
      return edgeF1OfFrame(control[i]!, picture, { low, high }).f1;
    });
  };
  return {
    flicker: { generated: flicker(frames.generated), smoothed: flicker(frames.smoothed) },
    edgeF1: { generated: edges(generated), smoothed: edges(smoothed) },
    drift: sumOver(smoothed, (picture, i) => driftOfFrame(generated[i]!, picture)),
  };
}
