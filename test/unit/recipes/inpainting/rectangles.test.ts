// Where rectangles are at each frame, and where they may be.

import { expect, it } from 'vitest';

import { rectangleAt, rectangleProblem } from '../../../../recipes/pipeline/rectangles.ts';

const box = { x: 9, y: 8, width: 8, height: 8 };

it('a rectangle moves evenly from the first frame to the last', () => {
  const to = { x: 19, y: 8, width: 16, height: 4 };
  const moving = { from: box, to };
  expect(rectangleAt(moving, 0, 5)).toEqual(box);
  expect(rectangleAt(moving, 2, 5)).toEqual({ x: 14, y: 8, width: 12, height: 6 });
  expect(rectangleAt(moving, 4, 5)).toEqual(to);
  expect(rectangleAt(moving, 0, 1)).toEqual(box);
  expect(rectangleAt({ from: box }, 3, 5)).toEqual(box);
});

it('a rectangle has to lie in the frame', () => {
  expect(rectangleProblem(box, { width: 17, height: 16 })).toBeUndefined();
  expect(rectangleProblem(box, { width: 16, height: 16 })).toBe(
    '9,8,8,8 reaches to 17,16, out of frames of 16x16',
  );
});
