// Dense optical flow by inverse search of patches: Kroeger, Timofte, Dai, Van Gool, "Fast optical flow using dense
// inverse search", ECCV 2016 (arXiv 1603.03590), without its variational refinement. Pure, deterministic.

import { halve, type GreyImage } from './grey.ts';

/** Where each pixel of the one picture lies in the other: x + horizontal, y + vertical. In pixels. */
export interface Flow {
  readonly width: number;
  readonly height: number;
  readonly horizontal: Float32Array;
  readonly vertical: Float32Array;
}

const PATCH = 8;
const STRIDE = 3;
/** The coarsest level is at least this wide and high: two patches. */
const COARSEST_SIDE = 16;
const STEPS_MAX = 16;
/** A step shorter than this ends a patch's search, pixels. */
const STEP_MIN = 0.02;

/** The flow from `from` to `to`, which are of one size. */
export function opticalFlow(from: GreyImage, to: GreyImage): Flow {
  const levels = [{ from, to }];
  for (;;) {
    const { from: a, to: b } = levels.at(-1)!;
    if (Math.min(a.width, a.height) < 2 * COARSEST_SIDE) break;
    levels.push({ from: halve(a), to: halve(b) });
  }
  let flow: Flow | undefined;
  for (const level of levels.reverse()) {
    const start = flow === undefined ? zeroFlow(level.from) : enlarge(flow, level.from);
    flow = densify(level.from, level.to, searchPatches(level.from, level.to, start));
  }
  return flow!;
}

function zeroFlow({ width, height }: GreyImage): Flow {
  const size = width * height;
  return { width, height, horizontal: new Float32Array(size), vertical: new Float32Array(size) };
}

/** Twice the size, so twice as long; nearest, since the patches smooth it. */
function enlarge(flow: Flow, size: { readonly width: number; readonly height: number }): Flow {
  const { width, height } = size;
  const horizontal = new Float32Array(width * height);
  const vertical = new Float32Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.min(y >> 1, flow.height - 1) * flow.width;
    for (let x = 0; x < width; x++, at++) {
      const source = row + Math.min(x >> 1, flow.width - 1);
      horizontal[at] = 2 * flow.horizontal[source]!;
      vertical[at] = 2 * flow.vertical[source]!;
    }
  }
  return { width, height, horizontal, vertical };
}

/** Patches on a grid: their corners and found displacements, row by row. */
interface PatchGrid {
  readonly columns: Int32Array;
  readonly rows: Int32Array;
  readonly u: Float32Array;
  readonly v: Float32Array;
}

/** Corners every STRIDE pixels, the last one flush with the border. */
function cornersAlong(size: number): Int32Array {
  const last = Math.max(size - PATCH, 0);
  const count = Math.ceil(last / STRIDE) + 1;
  return Int32Array.from({ length: count }, (_, i) => Math.min(i * STRIDE, last));
}

function searchPatches(from: GreyImage, to: GreyImage, start: Flow): PatchGrid {
  const columns = cornersAlong(from.width);
  const rows = cornersAlong(from.height);
  const count = columns.length * rows.length;
  const grid = { columns, rows, u: new Float32Array(count), v: new Float32Array(count) };
  const search = new PatchSearch(from, to);
  // Forth, then back: a displacement found on one side of an object reaches the other.
  for (const backward of [false, true]) {
    for (let n = 0; n < count; n++) {
      const i = backward ? count - 1 - n : n;
      const column = i % columns.length;
      const step = backward ? 1 : -1;
      const beside = column + step >= 0 && column + step < columns.length ? i + step : -1;
      const above = i + step * columns.length;
      search.aim(columns[column]!, rows[(i - column) / columns.length]!);
      if (backward) search.consider(grid.u[i]!, grid.v[i]!);
      else {
        const centre = search.centre();
        search.consider(start.horizontal[centre]!, start.vertical[centre]!);
        search.consider(0, 0);
      }
      if (beside >= 0) search.consider(grid.u[beside]!, grid.v[beside]!);
      if (above >= 0 && above < count) search.consider(grid.u[above]!, grid.v[above]!);
      search.refine();
      grid.u[i] = search.u;
      grid.v[i] = search.v;
    }
  }
  return grid;
}

/** The search for one patch at a time: `aim`, `consider` some beginnings, `refine` the best; then read u and v. */
class PatchSearch {
  u = 0;
  v = 0;
  readonly #from: GreyImage;
  readonly #to: GreyImage;
  #cost = Infinity;
  #column = 0;
  #row = 0;
  readonly #size: number;
  readonly #width: number;
  readonly #height: number;
  /** Of the patch: values, gradients, and the warped patch minus it, each with its mean taken off. */
  readonly #template = new Float32Array(PATCH * PATCH);
  readonly #gx = new Float32Array(PATCH * PATCH);
  readonly #gy = new Float32Array(PATCH * PATCH);
  readonly #difference = new Float32Array(PATCH * PATCH);

  constructor(from: GreyImage, to: GreyImage) {
    this.#from = from;
    this.#to = to;
    this.#width = Math.min(PATCH, from.width);
    this.#height = Math.min(PATCH, from.height);
    this.#size = this.#width * this.#height;
  }

  aim(column: number, row: number): void {
    this.#column = column;
    this.#row = row;
    this.#cost = Infinity;
    const { values, width, height } = this.#from;
    let n = 0;
    for (let y = row; y < row + this.#height; y++) {
      const above = Math.max(y - 1, 0) * width;
      const below = Math.min(y + 1, height - 1) * width;
      for (let x = column; x < column + this.#width; x++, n++) {
        const here = y * width;
        this.#template[n] = values[here + x]!;
        this.#gx[n] =
          (values[here + Math.min(x + 1, width - 1)]! - values[here + Math.max(x - 1, 0)]!) / 2;
        this.#gy[n] = (values[below + x]! - values[above + x]!) / 2;
      }
    }
  }

  /** Index of the patch's middle pixel. */
  centre(): number {
    const row = this.#row + (this.#height >> 1);
    return row * this.#from.width + this.#column + (this.#width >> 1);
  }

  consider(u: number, v: number): void {
    const cost = this.#compare(u, v);
    if (cost >= this.#cost) return;
    this.#cost = cost;
    this.u = u;
    this.v = v;
  }

  /** Inverse compositional Gauss-Newton: equation 3 of the paper, with the mean taken off against changes of light. */
  refine(): void {
    let xx = 0;
    let xy = 0;
    let yy = 0;
    for (let n = 0; n < this.#size; n++) {
      xx += this.#gx[n]! * this.#gx[n]!;
      xy += this.#gx[n]! * this.#gy[n]!;
      yy += this.#gy[n]! * this.#gy[n]!;
    }
    // A little on the diagonal keeps a straight edge, which tells nothing along itself, from running off along it.
    const damping = 0.002 * (xx + yy) + 1;
    xx += damping;
    yy += damping;
    const determinant = xx * yy - xy * xy;
    let { u, v } = this;
    this.#compare(u, v);
    for (let step = 0; step < STEPS_MAX; step++) {
      let bx = 0;
      let by = 0;
      for (let n = 0; n < this.#size; n++) {
        bx += this.#gx[n]! * this.#difference[n]!;
        by += this.#gy[n]! * this.#difference[n]!;
      }
      const du = (yy * bx - xy * by) / determinant;
      const dv = (xx * by - xy * bx) / determinant;
      u -= du;
      v -= dv;
      const cost = this.#compare(u, v);
      if (cost >= this.#cost) return;
      this.#cost = cost;
      this.u = u;
      this.v = v;
      if (du * du + dv * dv < STEP_MIN * STEP_MIN) return;
    }
  }

  /** Fills the difference at a displacement; its sum of squares. Outside the picture its border repeats. */
  #compare(u: number, v: number): number {
    const { values, width, height } = this.#to;
    let mean = 0;
    let n = 0;
    for (let j = 0; j < this.#height; j++) {
      const y = Math.min(Math.max(this.#row + j + v, 0), height - 1);
      const top = Math.floor(y);
      const fy = y - top;
      const upper = top * width;
      const lower = Math.min(top + 1, height - 1) * width;
      for (let i = 0; i < this.#width; i++, n++) {
        const x = Math.min(Math.max(this.#column + i + u, 0), width - 1);
        const left = Math.floor(x);
        const fx = x - left;
        const right = Math.min(left + 1, width - 1);
        const a = values[upper + left]! + fx * (values[upper + right]! - values[upper + left]!);
        const b = values[lower + left]! + fx * (values[lower + right]! - values[lower + left]!);
        const difference = a + fy * (b - a) - this.#template[n]!;
        this.#difference[n] = difference;
        mean += difference;
      }
    }
    mean /= this.#size;
    let cost = 0;
    for (let k = 0; k < this.#size; k++) {
      const difference = this.#difference[k]! - mean;
      this.#difference[k] = difference;
      cost += difference * difference;
    }
    return cost;
  }
}

/** Every pixel's flow: the mean over the patches on it, each weighing the less the worse it fits there (equation 4). */
function densify(from: GreyImage, to: GreyImage, grid: PatchGrid): Flow {
  const { width, height } = from;
  const flow = zeroFlow(from);
  const weights = new Float32Array(width * height);
  grid.rows.forEach((row, r) => {
    grid.columns.forEach((column, c) => {
      const patch = r * grid.columns.length + c;
      const u = grid.u[patch]!;
      const v = grid.v[patch]!;
      for (let y = row; y < Math.min(row + PATCH, height); y++) {
        for (let x = column; x < Math.min(column + PATCH, width); x++) {
          const at = y * width + x;
          const error = Math.abs(sample(to, x + u, y + v) - from.values[at]!);
          const weight = 1 / Math.max(1, error);
          flow.horizontal[at]! += weight * u;
          flow.vertical[at]! += weight * v;
          weights[at]! += weight;
        }
      }
    });
  });
  for (let i = 0; i < weights.length; i++) {
    flow.horizontal[i]! /= weights[i]!;
    flow.vertical[i]! /= weights[i]!;
  }
  return flow;
}

function sample({ values, width, height }: GreyImage, x: number, y: number): number {
  const cx = Math.min(Math.max(x, 0), width - 1);
  const cy = Math.min(Math.max(y, 0), height - 1);
  const left = Math.floor(cx);
  const top = Math.floor(cy);
  const fx = cx - left;
  const right = Math.min(left + 1, width - 1);
  const upper = top * width;
  const lower = Math.min(top + 1, height - 1) * width;
  const a = values[upper + left]! + fx * (values[upper + right]! - values[upper + left]!);
  const b = values[lower + left]! + fx * (values[lower + right]! - values[lower + left]!);
  return a + (cy - top) * (b - a);
}
