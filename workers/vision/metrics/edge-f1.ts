// Edge agreement: how well the edges of a frame lie on those of its control picture. The boundary F-measure of
// Martin, Fowlkes, Malik, PAMI 2004, with a square tolerance in place of its matching. Pure.

import assert from 'node:assert/strict';
import type { RgbImage } from '../../media/media-types.ts';
import { canny } from '../canny.ts';

export interface EdgeAgreement {
  /** Share of found edge pixels with an expected one near. */
  readonly precision: number;
  /** Share of expected edge pixels with a found one near. */
  readonly recall: number;
  /** 2 * precision * recall / (precision + recall); 0 where both are 0. */
  readonly f1: number;
}

/** Edge masks, `[height, width]`, zero or not. */
export interface EdgeMasks {
  readonly expected: Uint8Array;
  readonly found: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** All 0..1. A mask without edges has precision or recall 0, as in the Python metrics. */
export function edgeAgreement(masks: EdgeMasks): EdgeAgreement {
  const { expected, found, width, height } = masks;
  assert.equal(expected.length, found.length, 'masks differ in size');
  const reach = tolerance(width, height);
  const precision = shareNear(found, dilate(expected, { width, height, reach }));
  const recall = shareNear(expected, dilate(found, { width, height, reach }));
  const sum = precision + recall;
  return { precision, recall, f1: sum === 0 ? 0 : (2 * precision * recall) / sum };
}

/**
 * Agreement of a frame's canny edges with the control picture they were drawn from (any channel set is an edge). A
 * clip's edge F1 is the mean of its frames'.
 */
export function edgeF1OfFrame(
  control: RgbImage,
  frame: RgbImage,
  thresholds: { readonly low: number; readonly high: number },
): EdgeAgreement {
  const { width, height } = frame;
  assert.equal(control.rgb.length, frame.rgb.length, 'control and frame differ in size');
  const expected = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < expected.length; i++, from += 3) {
    const brightest = Math.max(control.rgb[from]!, control.rgb[from + 1]!, control.rgb[from + 2]!);
    expected[i] = brightest >= 128 ? 1 : 0;
  }
  return edgeAgreement({ expected, found: canny({ ...frame, ...thresholds }), width, height });
}

/** 2 pixels at 128 pixels of the shorter side, in proportion elsewhere, at least 1. */
export function tolerance(width: number, height: number): number {
  return Math.max(1, Math.round((Math.min(width, height) * 2) / 128));
}

function shareNear(mask: Uint8Array, near: Uint8Array): number {
  let all = 0;
  let hits = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    all++;
    if (near[i] !== 0) hits++;
  }
  return all === 0 ? 0 : hits / all;
}

interface Dilation {
  readonly width: number;
  readonly height: number;
  readonly reach: number;
}

/** Every pixel within `reach` of a set one, in x and in y; a square, so rows first and columns then. */
export function dilate(mask: Uint8Array, { width, height, reach }: Dilation): Uint8Array {
  const wide = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    spread(mask, wide, { first: y * width, step: 1, count: width, reach });
  }
  const out = new Uint8Array(mask.length);
  for (let x = 0; x < width; x++) {
    spread(wide, out, { first: x, step: width, count: height, reach });
  }
  return out;
}

function spread(
  from: Uint8Array,
  to: Uint8Array,
  line: {
    readonly first: number;
    readonly step: number;
    readonly count: number;
    readonly reach: number;
  },
): void {
  const { first, step, count, reach } = line;
  let done = 0;
  for (let i = 0; i < count; i++) {
    if (from[first + i * step] === 0) continue;
    const end = Math.min(i + reach + 1, count);
    for (let k = Math.max(done, i - reach, 0); k < end; k++) to[first + k * step] = 1;
    done = end;
  }
}
