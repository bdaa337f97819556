// What a measure task finds, in numbers that add up over the tasks of a clip. Definitions: docs/metrics.md.

import type { MeasureSums, Sum } from '../../../common/measures.ts';
import type { RgbImage } from '../../media/media-types.ts';
import { driftOfFrame } from '../../vision/colour-drift.ts';
import { edgeF1OfFrame } from '../../vision/edge-f1.ts';
import { flickerOfPair } from '../../vision/flicker.ts';

/** The same frames in all three lists. */
export interface MeasuredFrames {
  /** What edges are compared with; absent where the task has no control. */
  readonly control?: Control;
  readonly generated: readonly RgbImage[];
  readonly smoothed: readonly RgbImage[];
}

export interface Control {
  readonly frames: readonly RgbImage[];
  /** Thresholds of canny, as the control was drawn with. */
  readonly low: number;
  readonly high: number;
}

export interface MeasureOptions {
  /** How many of the last frames count; those before them are only looked back to. */
  readonly own: number;
  /** Called before each figure of each frame; may throw to stop. */
  readonly beforeEach: () => void;
}

export function measureFrames(frames: MeasuredFrames, options: MeasureOptions): MeasureSums {
  const { own, beforeEach } = options;
  const first = frames.generated.length - own;
  const generated = frames.generated.slice(first);
  const smoothed = frames.smoothed.slice(first);
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
  const edges = (pictures: readonly RgbImage[], { frames: all, low, high }: Control): Sum => {
    const control = all.slice(first);
    return sumOver(pictures, (picture, i) => {
      return edgeF1OfFrame(control[i]!, picture, { low, high }).f1;
    });
  };
  const { control } = frames;
  return {
    flicker: { generated: flicker(frames.generated), smoothed: flicker(frames.smoothed) },
    ...(control !== undefined && {
      edgeF1: { generated: edges(generated, control), smoothed: edges(smoothed, control) },
    }),
    drift: sumOver(smoothed, (picture, i) => driftOfFrame(generated[i]!, picture)),
  };
}
