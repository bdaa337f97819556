// Which way up a picture is shown: the display matrix of containers and codecs, reduced to a mirror and a quarter turn. Pure.

/** First mirrored left to right, if so, then turned clockwise. */
export interface Orientation {
  readonly mirrored: boolean;
  readonly turn: 0 | 90 | 180 | 270;
}

export const UPRIGHT: Orientation = { mirrored: false, turn: 0 };

/**
 * From a display matrix as FFmpeg hands it out: nine 32-bit numbers, a b u / c d v / x y w, which take (x, y) to
 * (ax + cy, bx + dy) with y downwards. Angles between quarter turns go to the nearest one; a matrix that shows nothing counts as none.
 */
export function orientationOf(matrix: Buffer | null): Orientation {
  if (matrix === null || matrix.length < 36) return UPRIGHT;
  const [a, b, c, d] = [0, 4, 12, 16].map((at) => matrix.readInt32LE(at)) as Four;
  const determinant = a * d - b * c;
  if (determinant === 0) return UPRIGHT;
  const mirrored = determinant < 0;
  // A mirror before the turn negates the first column.
  const angle = (Math.atan2(mirrored ? -b : b, mirrored ? -a : a) * 180) / Math.PI;
  const turn = ((Math.round(angle / 90) * 90 + 360) % 360) as Orientation['turn'];
  return { mirrored, turn };
}

type Four = [number, number, number, number];

/** FFmpeg's filters that bring a picture upright. */
export function uprightFilters({ mirrored, turn }: Orientation): readonly string[] {
  const turns = {
    0: [],
    90: ['transpose=clock'],
    180: ['hflip', 'vflip'],
    270: ['transpose=cclock'],
  } as const;
  return [...(mirrored ? ['hflip'] : []), ...turns[turn]];
}
