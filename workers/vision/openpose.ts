// The skeleton that ControlNets for human poses know: 18 joints of OpenPose, made of the 17 of COCO with which RTMPose's and DWPose's lists
// begin.

import type { DrawnSkeleton, Joint } from './skeleton.ts';

/** The place in COCO's list of each of OpenPose's joints: nose, neck, then arms, legs, eyes and ears, the right one first. */
const FROM_COCO = [0, 'neck', 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3] as const;
const [LEFT_SHOULDER, RIGHT_SHOULDER] = [5, 6];

/** Round the wheel of colours from red, one for each joint. */
const COLORS: readonly (readonly [number, number, number])[] = [
  ...([0, 85, 170, 255] as const).map((green) => [255, green, 0] as const),
  ...([170, 85, 0] as const).map((red) => [red, 255, 0] as const),
  ...([85, 170, 255] as const).map((blue) => [0, 255, blue] as const),
  ...([170, 85, 0] as const).map((green) => [0, green, 255] as const),
  ...([85, 170, 255] as const).map((red) => [red, 0, 255] as const),
  ...([170, 85] as const).map((blue) => [255, 0, blue] as const),
];

const EDGES: readonly (readonly [number, number])[] = [
  ...([
    [1, 2],
    [1, 5],
    [2, 3],
    [3, 4],
    [5, 6],
    [6, 7],
  ] as const),
  ...([
    [1, 8],
    [8, 9],
    [9, 10],
    [1, 11],
    [11, 12],
    [12, 13],
  ] as const),
  ...([
    [1, 0],
    [0, 14],
    [14, 16],
    [0, 15],
    [15, 17],
  ] as const),
];

/** At 512 pixels joints have a radius of 4 and limbs are 8 wide. */
export const OPENPOSE: DrawnSkeleton = {
  edges: EDGES.map(([from, to]) => [from, to]),
  colors: COLORS.map(([red, green, blue]) => [red, green, blue]),
  // Limb i has the colour of joint i, darker.
  edgeColors: EDGES.map((_, i) => {
    const [red, green, blue] = COLORS[i]!;
    return [Math.round(0.6 * red), Math.round(0.6 * green), Math.round(0.6 * blue)];
  }),
  ...{ radius: 1, lineWidth: 2, isTapered: true },
};

/** How many of COCO's joints there must be. */
export const COCO_JOINTS = 17;

/** The neck lies between the shoulders, and is as sure as the less sure of them. */
export function openposeJoints(coco: readonly Joint[]): readonly Joint[] {
  const [left, right] = [coco[LEFT_SHOULDER]!, coco[RIGHT_SHOULDER]!];
  const neck = {
    x: (left.x + right.x) / 2,
    y: (left.y + right.y) / 2,
    score: Math.min(left.score, right.score),
  };
  return FROM_COCO.map((place) => (place === 'neck' ? neck : coco[place]!));
}
