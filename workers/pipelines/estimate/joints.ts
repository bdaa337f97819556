// Joints of a frame out of what a pose graph gives: two lines of scores for each joint (mmpose's SimCC), or one map for each. Pure.

import { floatTensor } from '../../tensor/tensor.ts';
import type { FloatTensor } from '../../tensor/tensor.ts';
import type { PlaneSize } from '../../vision/resample.ts';
import type { Joint } from '../../vision/skeleton.ts';

/** The size at which the graph saw the frame, and the frame's. */
export interface Sizes {
  readonly seen: PlaneSize;
  readonly frame: PlaneSize;
}

/**
 * `x` and `y`: scores of each place, `[joints, places]`, of which there are some to a pixel. The highest of each counts, and the lower of the
 * two scores.
 */
export function jointsOfLines(
  { x, y, joints }: { x: Float32Array; y: Float32Array; joints: number },
  { seen, frame }: Sizes,
): readonly Joint[] {
  const [wide, high] = [x.length / joints, y.length / joints];
  return Array.from({ length: joints }, (_, joint) => {
    const across = highest(x.subarray(joint * wide, (joint + 1) * wide));
    const down = highest(y.subarray(joint * high, (joint + 1) * high));
    return {
      x: (across.at / wide) * frame.width,
      y: (down.at / high) * frame.height,
      score: Math.min(across.score, down.score),
    };
  }).map((one) => shifted(one, { seen, frame }));
}

/** Places are counted from the first pixel's middle at the size that the graph saw, so what lies between grows with the pixels. */
function shifted(joint: Joint, { seen, frame }: Sizes): Joint {
  const move = (size: 'width' | 'height'): number => 0.5 * (frame[size] / seen[size]) - 0.5;
  return { ...joint, x: joint.x + move('width'), y: joint.y + move('height') };
}

/**
 * `maps`: `[joints, height, width]` of size `map`. The highest cell, moved to where the parabola through the logarithms of it and its
 * neighbours is highest, along x and along y.
 */
export function jointsOfMaps(
  { maps, joints, map }: { maps: Float32Array; joints: number; map: PlaneSize },
  { frame }: Pick<Sizes, 'frame'>,
): readonly Joint[] {
  const { width, height } = map;
  return Array.from({ length: joints }, (_, joint) => {
    const plane = maps.subarray(joint * width * height, (joint + 1) * width * height);
    const { at, score } = highest(plane);
    const [column, row] = [at % width, Math.floor(at / width)];
    const value = (x: number, y: number): number => Math.log(Math.max(plane[y * width + x]!, 1e-6));
    const x = column + top((i) => value(i, row), column, width);
    const y = row + top((i) => value(column, i), row, height);
    return {
      x: ((x + 0.5) * frame.width) / width - 0.5,
      y: ((y + 0.5) * frame.height) / height - 0.5,
      score,
    };
  });
}

/** Where, from a place, the parabola through it and its neighbours is highest, -0.5..0.5; 0 at a border. */
function top(value: (at: number) => number, at: number, size: number): number {
  if (at === 0 || at === size - 1) return 0;
  const [before, here, after] = [value(at - 1), value(at), value(at + 1)];
  const bend = before - 2 * here + after;
  return bend < 0 ? Math.max(-0.5, Math.min(0.5, (0.5 * (before - after)) / bend)) : 0;
}

/** `[frames, joints, 3]`: x, y, score. All frames have as many. */
export function jointTensor(frames: readonly (readonly Joint[])[]): FloatTensor {
  const values = frames.flat().flatMap(({ x, y, score }) => [x, y, score]);
  return floatTensor([frames.length, frames[0]?.length ?? 0, 3], Float32Array.from(values));
}

/** What `jointTensor` was made of, to float32. */
export function jointsOfTensor({ shape, data }: FloatTensor): readonly (readonly Joint[])[] {
  const [frames = 0, joints = 0] = shape;
  return Array.from({ length: frames }, (_frame, frame) =>
    Array.from({ length: joints }, (_joint, joint) => {
      const [x = 0, y = 0, score = 0] = data.subarray(3 * (frame * joints + joint));
      return { x, y, score };
    }),
  );
}

/** The first of equal ones. */
function highest(values: Float32Array): { readonly at: number; readonly score: number } {
  let at = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i]! > values[at]!) at = i;
  return { at, score: values[at]! };
}
