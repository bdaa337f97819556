// Edges of an RGB picture, equal to the pixel to models/parity/canny.py on OpenCV. Canny, "A computational approach to
// edge detection", PAMI 1986; thinning and tie rules as in OpenCV's canny.cpp. Pure.

import type { RgbImage } from '../media/media-types.ts';

export interface CannyInput extends RgbImage {
  /** Thresholds on |dx| + |dy| of the 3x3 Sobel gradient of an 8-bit channel, 0..2040. */
  readonly low: number;
  readonly high: number;
}

interface Gradient {
  readonly dx: Int16Array;
  readonly dy: Int16Array;
}

/**
 * `[height, width]`, 0 or 255. Of the three channels the one with the strongest gradient counts at each pixel, so that
 * outlines between colours of one brightness are found.
 */
export function canny(input: CannyInput): Uint8Array {
  const { width, height } = input;
  const { dx, dy } = strongestGradient(blur(input), width, height);
  const low = Math.floor(Math.min(input.low, input.high));
  const high = Math.floor(Math.max(input.low, input.high));
  const edges = new Uint8Array(width * height);
  const strong = thin({ dx, dy, width, height, low, high }, edges);
  traceWeakEdges(edges, strong, width);
  for (let i = 0; i < edges.length; i++) edges[i] = edges[i] === STRONG ? 255 : 0;
  return edges;
}

/** Weights 1 2 1 in both directions, rounded once at the end; the border is mirrored without its own pixel. */
function blur({ rgb, width, height }: RgbImage): Uint8Array {
  const out = new Uint8Array(rgb.length);
  const rows = new Uint16Array(rgb.length);
  const stride = width * 3;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * stride + x * 3;
      const left = y * stride + mirrored(x - 1, width) * 3;
      const right = y * stride + mirrored(x + 1, width) * 3;
      for (let c = 0; c < 3; c++)
        rows[at + c] = rgb[left + c]! + 2 * rgb[at + c]! + rgb[right + c]!;
    }
  }
  for (let y = 0; y < height; y++) {
    const above = mirrored(y - 1, height) * stride;
    const below = mirrored(y + 1, height) * stride;
    for (let i = 0, at = y * stride; i < stride; i++, at++) {
      out[at] = (rows[above + i]! + 2 * rows[at]! + rows[below + i]! + 8) >> 4;
    }
  }
  return out;
}

function mirrored(i: number, size: number): number {
  if (size === 1) return 0;
  return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i;
}

/** Sobel dx and dy of the channel with the largest |dx| + |dy|, the first of equal ones; border pixels repeat. */
function strongestGradient(blurred: Uint8Array, width: number, height: number): Gradient {
  const dx = new Int16Array(width * height);
  const dy = new Int16Array(width * height);
  const stride = width * 3;
  for (let y = 0, at = 0; y < height; y++) {
    const above = Math.max(y - 1, 0) * stride;
    const here = y * stride;
    const below = Math.min(y + 1, height - 1) * stride;
    for (let x = 0; x < width; x++, at++) {
      const left = Math.max(x - 1, 0) * 3;
      const middle = x * 3;
      const right = Math.min(x + 1, width - 1) * 3;
      let best = -1;
      for (let c = 0; c < 3; c++) {
        const aboveLeft = blurred[above + left + c]!;
        const aboveRight = blurred[above + right + c]!;
        const belowLeft = blurred[below + left + c]!;
        const belowRight = blurred[below + right + c]!;
        const across = 2 * (blurred[here + right + c]! - blurred[here + left + c]!);
        const down = 2 * (blurred[below + middle + c]! - blurred[above + middle + c]!);
        const gx = across + aboveRight - aboveLeft + belowRight - belowLeft;
        const gy = down + belowLeft - aboveLeft + belowRight - aboveRight;
        const strength = Math.abs(gx) + Math.abs(gy);
        if (strength > best) {
          best = strength;
          dx[at] = gx;
          dy[at] = gy;
        }
      }
    }
  }
  return { dx, dy };
}

const WEAK = 1;
const STRONG = 2;
/** tan(22.5 degrees) in 15-bit fixed point, rounded. */
const TAN_22 = 13573;

interface ThinInput extends Gradient {
  readonly width: number;
  readonly height: number;
  readonly low: number;
  readonly high: number;
}

/** Marks ridge pixels of the gradient's strength as weak or strong; gives the strong ones. */
function thin(input: ThinInput, edges: Uint8Array): number[] {
  const { dx, dy, width, height, low, high } = input;
  // Strength, with one pixel of zeros all around.
  const stride = width + 2;
  const strength = new Int32Array(stride * (height + 2));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0, at = (y + 1) * stride + 1; x < width; x++, at++, i++) {
      strength[at] = Math.abs(dx[i]!) + Math.abs(dy[i]!);
    }
  }
  const strong: number[] = [];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0, at = (y + 1) * stride + 1; x < width; x++, at++, i++) {
      const value = strength[at]!;
      if (value <= low || !isRidge(strength, { at, stride, dx: dx[i]!, dy: dy[i]! })) continue;
      edges[i] = value > high ? STRONG : WEAK;
      if (value > high) strong.push(i);
    }
  }
  return strong;
}

/** Whether no neighbour across the edge is stronger. Of two equal ones, the first counts, but on diagonals neither. */
function isRidge(
  strength: Int32Array,
  pixel: { readonly at: number; readonly stride: number; readonly dx: number; readonly dy: number },
): boolean {
  const { at, stride, dx, dy } = pixel;
  const value = strength[at]!;
  const across = Math.abs(dx) * TAN_22;
  const down = Math.abs(dy) * 32768;
  if (down < across) return value > strength[at - 1]! && value >= strength[at + 1]!;
  // tan(67.5 degrees) is tan(22.5 degrees) + 2.
  if (down > across + Math.abs(dx) * 65536) {
    return value > strength[at - stride]! && value >= strength[at + stride]!;
  }
  const slant = (dx ^ dy) < 0 ? -1 : 1;
  return value > strength[at - stride - slant]! && value > strength[at + stride + slant]!;
}

/** Weak edges that touch a strong one, directly or through others, become strong. */
function traceWeakEdges(edges: Uint8Array, stack: number[], width: number): void {
  const height = edges.length / width;
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const x = i % width;
    const y = (i - x) / width;
    for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ny++) {
      for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); nx++) {
        const neighbour = ny * width + nx;
        if (edges[neighbour] !== WEAK) continue;
        edges[neighbour] = STRONG;
        stack.push(neighbour);
      }
    }
  }
}
