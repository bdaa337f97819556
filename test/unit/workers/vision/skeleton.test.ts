import { describe, expect, it } from 'vitest';

import { OPENPOSE, openposeJoints } from '../../../../workers/vision/openpose.ts';
import { drawSkeleton } from '../../../../workers/vision/skeleton.ts';
import type { DrawnSkeleton, Joint } from '../../../../workers/vision/skeleton.ts';

const white = [255, 255, 255] as [number, number, number];
const red = [255, 0, 0] as [number, number, number];
const skeleton: DrawnSkeleton = {
  edges: [[0, 1]],
  colors: [white, red],
  ...{ radius: 4, lineWidth: 4 },
};
const joint = (x: number, y: number, score = 1): Joint => ({ x, y, score });

function draw(joints: readonly Joint[], changes: Partial<DrawnSkeleton> = {}, size = 128) {
  const { rgb } = drawSkeleton(joints, {
    ...{ width: size, height: size, threshold: 0.3 },
    skeleton: { ...skeleton, ...changes },
  });
  return {
    rgb,
    at: (x: number, y: number) => [...rgb.subarray(3 * (y * size + x), 3 * (y * size + x) + 3)],
  };
}

describe('a skeleton', () => {
  it('is discs over a darker line', () => {
    const { at } = draw([joint(20, 30), joint(60, 30)]);
    expect(at(20, 30)).toEqual(white);
    expect(at(24, 30)).toEqual([204, 128, 128]);
    expect(at(40, 30)).toEqual([153, 0, 0]);
    expect(at(40, 32)).toEqual([77, 0, 0]);
    expect(at(40, 33)).toEqual([0, 0, 0]);
    expect(at(60, 30)).toEqual(red);
    expect(at(60, 34)).toEqual([128, 0, 0]);
    expect(at(60, 35)).toEqual([0, 0, 0]);
  });

  it('has no joint below the threshold, nor what would join it', () => {
    const { at } = draw([joint(20, 30), joint(60, 30, 0.29)]);
    expect(at(20, 30)).toEqual(white);
    expect(at(40, 30)).toEqual([0, 0, 0]);
    expect(at(60, 30)).toEqual([0, 0, 0]);
    expect(draw([joint(20, 30), joint(60, 30, 0.3)]).at(60, 30)).toEqual(red);
  });

  it('grows with the shorter side', () => {
    const { at } = draw([joint(40, 60), joint(120, 60)], {}, 256);
    expect(at(120, 67)).toEqual(red);
    expect(at(80, 63)).toEqual([153, 0, 0]);
    expect(at(80, 65)).toEqual([0, 0, 0]);
  });

  it('has edges of a colour of their own', () => {
    const { at } = draw([joint(20, 30), joint(60, 30)], { edgeColors: [[0, 0, 9]] });
    expect(at(40, 30)).toEqual([0, 0, 9]);
  });

  it('is cut off at the border, and joints may lie beyond it', () => {
    expect(draw([joint(-30, 5), joint(200, 5)]).at(64, 5)).toEqual([153, 0, 0]);
  });

  it('of tapered lines is thinner at their ends', () => {
    const { at } = draw([joint(20, 30), joint(60, 30)], {
      isTapered: true,
      lineWidth: 8,
      radius: 1,
    });
    expect(at(40, 33)).toEqual([153, 0, 0]);
    expect(at(22, 33)).toEqual([0, 0, 0]);
  });
});

describe("OpenPose's skeleton", () => {
  it('is made of the joints of COCO, the neck between the shoulders', () => {
    const coco = Array.from({ length: 17 }, (_, i) => joint(i, 2 * i, 1 - i / 100));
    const joints = openposeJoints(coco);
    expect(joints.map(({ x }) => x)).toEqual([
      ...[0, 5.5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3],
    ]);
    expect(joints[1]).toEqual({ x: 5.5, y: 11, score: 0.94 });
  });

  it('has 18 joints and 17 limbs, all colours different', () => {
    expect(OPENPOSE.edges).toHaveLength(17);
    expect(new Set(OPENPOSE.colors.map((color) => color.join())).size).toBe(18);
    expect(OPENPOSE.colors[0]).toEqual([255, 0, 0]);
    expect(OPENPOSE.colors[17]).toEqual([255, 0, 85]);
    expect(OPENPOSE.edgeColors![1]).toEqual([153, 51, 0]);
  });
});
