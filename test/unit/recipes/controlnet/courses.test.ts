import { describe, expect, it } from 'vitest';

import { courseOver, parseCourse, scaleAt } from '../../../../recipes/controlnet/courses.ts';

describe('a written course', () => {
  it.each([
    ['0.8', 0.8],
    ['0', 0],
    ['0.2..1', [0.2, 1]],
    ['0 .. 1.5 .. 0', [0, 1.5, 0]],
    [
      '0.2@0..1@4',
      [
        { frame: 0, scale: 0.2 },
        { frame: 4, scale: 1 },
      ],
    ],
    ['0.5@3', [{ frame: 3, scale: 0.5 }]],
  ])('%s is read', (text, course) => {
    expect(parseCourse(text)).toEqual(course);
  });

  it.each([
    '',
    '..',
    '1..',
    'high',
    '-1',
    '2.1',
    '0..3',
    '1@',
    '1@x',
    '1@-1',
    '1@0.5',
    '1@0..0.5',
    '1@0@1',
  ])('%j is none', (text) => {
    expect(parseCourse(text)).toBe(
      `expected a weight (0 to 2), from one to another (0.2..1), or weights at frames (0.2@0..1@7), got ${JSON.stringify(text)}`,
    );
  });
});

describe('a course over a clip', () => {
  const scales = (text: string, frames: number) => {
    const course = courseOver(parseCourse(text) as never, frames);
    if (typeof course === 'string') return course;
    return Array.from({ length: frames }, (_, frame) => scaleAt(course, frame));
  };

  it.each([
    ['0.2..1', 5, [0.2, 0.4, 0.6, 0.8, 1]],
    ['0..1..0', 5, [0, 0.5, 1, 0.5, 0]],
    ['0..1..0', 4, [0, 0.666667, 0.666667, 0]],
    ['0.2@1..1@3', 5, [0.2, 0.2, 0.6, 1, 1]],
    ['0.5@2', 4, [0.5, 0.5, 0.5, 0.5]],
    ['0.7', 2, [0.7, 0.7]],
    ['0.2..1', 1, [0.2]],
  ])('%s over %i frames', (text, frames, expected) => {
    expect(scales(text, frames)).toEqual(expected);
  });

  it('that stays the same is a number', () => {
    expect(courseOver([0.4, 0.4], 8)).toBe(0.4);
    expect(courseOver([{ frame: 2, scale: 0.4 }], 8)).toBe(0.4);
  });

  it.each([
    ['1@0..0.5@8', 'there is no frame 8; the last of 8 is 7'],
    ['1@3..0.5@3', 'frame 3 does not come after the one before it'],
    ['1@3..0.5@1', 'frame 1 does not come after the one before it'],
  ])('%s does not fit 8 frames', (text, why) => {
    expect(scales(text, 8)).toBe(why);
  });
});
