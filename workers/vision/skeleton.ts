// Joints and what joins them, drawn on black: the pictures that pose ControlNets are trained on. Pure.

import type { OwnSkeleton } from '../../common/models/annotator-card.ts';
import type { RgbImage } from '../media/media-types.ts';

/** In pixels; pixel (0, 0) has its middle at (0, 0). */
export interface Joint {
  readonly x: number;
  readonly y: number;
  /** 0..1 of a good model; other models' may be higher. */
  readonly score: number;
}

/** How a skeleton is drawn. Sizes are of a picture whose shorter side has 128 pixels, and grow with it. */
export interface DrawnSkeleton extends OwnSkeleton {
  /** @default lines of one width with round ends */
  readonly isTapered?: true;
}

const DRAWN_AT = 128;
/** OpenPose's: what joins two joints is darker than they are. */
const EDGE_SHARE = 0.6;

export interface SkeletonOptions {
  readonly width: number;
  readonly height: number;
  readonly skeleton: DrawnSkeleton;
  /** A joint of a lower score is not there. */
  readonly threshold: number;
}

/** What joins two joints that are there, in order, then the joints, in order, each over what is painted. */
export function drawSkeleton(joints: readonly Joint[], options: SkeletonOptions): RgbImage {
  const { width, height, skeleton, threshold } = options;
  const { edges, colors, edgeColors, radius, lineWidth, isTapered } = skeleton;
  const scale = Math.min(width, height) / DRAWN_AT;
  const there = (index: number): Joint | undefined => {
    const joint = joints[index];
    return joint !== undefined && joint.score >= threshold ? joint : undefined;
  };
  const canvas = new Canvas(width, height);
  for (const [i, [from, to]] of edges.entries()) {
    const [start, end] = [there(from), there(to)];
    if (start === undefined || end === undefined) continue;
    const color = edgeColors?.[i] ?? colors[to]!.map((level) => Math.round(EDGE_SHARE * level));
    const half = (lineWidth / 2) * scale;
    canvas.paint(isTapered ? ellipse(start, end, half) : line(start, end, half), color);
  }
  for (const [index, color] of colors.entries()) {
    const joint = there(index);
    if (joint !== undefined) canvas.paint(disc(joint, radius * scale), color);
  }
  return canvas.picture();
}

interface Shape {
  /** Pixels to its border, negative inside. */
  readonly distance: (x: number, y: number) => number;
  /** All of it lies so near to both of these. */
  readonly ends: readonly [Point, Point];
  readonly reach: number;
}

type Point = Pick<Joint, 'x' | 'y'>;

function disc(centre: Point, radius: number): Shape {
  const distance = (x: number, y: number): number =>
    Math.hypot(x - centre.x, y - centre.y) - radius;
  return { distance, ends: [centre, centre], reach: radius };
}

/** With round ends. */
function line(start: Point, end: Point, half: number): Shape {
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const length = Math.max(dx * dx + dy * dy, 1e-6);
  const distance = (x: number, y: number): number => {
    const share = ((x - start.x) * dx + (y - start.y) * dy) / length;
    const at = Math.min(1, Math.max(0, share));
    return Math.hypot(x - start.x - at * dx, y - start.y - at * dy) - half;
  };
  return { distance, ends: [start, end], reach: half };
}

/** From one joint to the other, `half` wide in the middle: how OpenPose draws. Distances are near enough at the border. */
function ellipse(start: Point, end: Point, half: number): Shape {
  const [x0, y0] = [(start.x + end.x) / 2, (start.y + end.y) / 2];
  const length = Math.max(Math.hypot(end.x - start.x, end.y - start.y), 1e-3);
  const [ux, uy] = [(end.x - start.x) / length, (end.y - start.y) / length];
  const distance = (x: number, y: number): number => {
    const along = ((x - x0) * ux + (y - y0) * uy) / (length / 2);
    const aside = ((x - x0) * -uy + (y - y0) * ux) / half;
    return (Math.hypot(along, aside) - 1) * Math.min(half, length / 2);
  };
  return { distance, ends: [start, end], reach: half };
}

class Canvas {
  readonly #levels: Float64Array;
  readonly #width: number;
  readonly #height: number;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#levels = new Float64Array(3 * width * height);
  }

  /** By how much of a pixel it covers: half where its border goes through the middle. */
  paint({ distance, ends: [a, b], reach }: Shape, color: readonly number[]): void {
    const [left, right] = bounds([a.x, b.x], reach + 1, this.#width);
    const [top, bottom] = bounds([a.y, b.y], reach + 1, this.#height);
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        const cover = Math.min(1, Math.max(0, 0.5 - distance(x, y)));
        if (cover === 0) continue;
        const at = 3 * (y * this.#width + x);
        for (let c = 0; c < 3; c += 1) {
          this.#levels[at + c] = this.#levels[at + c]! * (1 - cover) + cover * color[c]!;
        }
      }
    }
  }

  picture(): RgbImage {
    const rgb = Uint8Array.from(this.#levels, (level) => Math.round(level));
    return { rgb, width: this.#width, height: this.#height };
  }
}

function bounds(ends: readonly number[], reach: number, size: number): readonly [number, number] {
  return [
    Math.max(0, Math.floor(Math.min(...ends) - reach)),
    Math.min(size - 1, Math.ceil(Math.max(...ends) + reach)),
  ];
}
