// Parts of a frame that are drawn anew, as rectangles: what they may be, and where they are at a frame. Pure.

import { z } from 'zod';

import type { Rectangle } from '../../common/stages.ts';

export type { Rectangle };

const SIDE_MAX = 8192;
const place = z.int().min(0).max(SIDE_MAX);
const side = z.int().min(1).max(SIDE_MAX);
const rectangleFields = z.strictObject({ x: place, y: place, width: side, height: side });

/** `32,16,64,64` (x,y,width,height) as well as an object. */
export const rectangleSpec = z.union([
  z
    .string()
    .regex(/^\d+(,\d+){3}$/, 'expected X,Y,WIDTH,HEIGHT in pixels, such as 32,16,64,64')
    .transform((text) => {
      const [x = 0, y = 0, width = 0, height = 0] = text.split(',').map(Number);
      return { x, y, width, height };
    })
    .pipe(rectangleFields),
  rectangleFields,
]);

/** A rectangle that goes evenly from one place and size to another: at frame `frame` of `frames`, to whole pixels. */
export function rectangleAt(
  { from, to = from }: { readonly from: Rectangle; readonly to?: Rectangle | undefined },
  frame: number,
  frames: number,
): Rectangle {
  const share = frames > 1 ? frame / (frames - 1) : 0;
  const between = (key: keyof Rectangle): number =>
    Math.round(from[key] + share * (to[key] - from[key]));
  return {
    ...{ x: between('x'), y: between('y') },
    ...{ width: between('width'), height: between('height') },
  };
}

/** The first line says why it does not lie in a frame of this size; undefined if it does. */
export function rectangleProblem(
  { x, y, width, height }: Rectangle,
  frame: { readonly width: number; readonly height: number },
): string | undefined {
  if (x + width <= frame.width && y + height <= frame.height) return undefined;
  return `${x},${y},${width},${height} reaches to ${x + width},${y + height}, out of frames of ${frame.width}x${frame.height}`;
}
