// Which way up a display matrix means.

import { expect, test } from 'vitest';
import { orientationOf, uprightFilters } from '../../../../workers/media/ffmpeg/orientation.ts';

/** a b u / c d v / x y w in FFmpeg's form. */
function matrixOf([a, b, c, d]: readonly [number, number, number, number]): Buffer {
  const matrix = Buffer.alloc(36);
  [a, b, 0, c, d, 0].forEach((value, i) =>
    matrix.writeInt32LE(Math.round(value * (1 << 16)), i * 4),
  );
  matrix.writeInt32LE(1 << 30, 32);
  return matrix;
}

/** Where the filters bring the corner (x, y), each 0 or 1, of a picture: as (x, y) again. */
function cornerAfter(filters: readonly string[], corner: readonly [number, number]) {
  return filters.reduce<readonly [number, number]>(([x, y], filter) => {
    switch (filter) {
      case 'hflip':
        return [1 - x, y];
      case 'vflip':
        return [x, 1 - y];
      case 'transpose=clock':
        return [1 - y, x];
      case 'transpose=cclock':
        return [y, 1 - x];
      default:
        throw new Error(filter);
    }
  }, corner);
}

test.each([
  [[1, 0, 0, 1], false, 0],
  [[0, 1, -1, 0], false, 90],
  [[-1, 0, 0, -1], false, 180],
  [[0, -1, 1, 0], false, 270],
  [[-1, 0, 0, 1], true, 0],
  [[0, -1, -1, 0], true, 90],
  [[1, 0, 0, -1], true, 180],
  [[0, 1, 1, 0], true, 270],
] as const)('takes %j for a mirror: %s, and a turn by %d', (matrix, mirrored, turn) => {
  const [a, b, c, d] = matrix;
  const orientation = orientationOf(matrixOf(matrix));
  expect(orientation).toEqual({ mirrored, turn });
  const filters = uprightFilters(orientation);
  for (const corner of [
    [0, 0],
    [1, 0],
    [0, 1],
  ] as const) {
    // What the matrix says of a corner, moved back into the picture.
    const [x, y] = [corner[0] - 0.5, corner[1] - 0.5];
    const shown = [a * x + c * y + 0.5, b * x + d * y + 0.5];
    expect(cornerAfter(filters, corner)).toEqual(shown);
  }
});

test('takes an angle between quarter turns for the nearest one', () => {
  const [cos, sin] = [Math.cos(1.4), Math.sin(1.4)];
  expect(orientationOf(matrixOf([cos, sin, -sin, cos]))).toEqual({ mirrored: false, turn: 90 });
});

test('goes by the turn alone, whatever the matrix enlarges by', () => {
  expect(orientationOf(matrixOf([0, 2, -2, 0]))).toEqual({ mirrored: false, turn: 90 });
});

test.each([
  ['there is none', null],
  ['it is cut short', Buffer.alloc(20)],
  ['it shows nothing', Buffer.alloc(36)],
])('leaves the picture as it is where %s', (_, matrix) => {
  expect(orientationOf(matrix)).toEqual({ mirrored: false, turn: 0 });
});
