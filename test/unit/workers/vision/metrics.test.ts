// The metrics on pictures whose figures are known beforehand.

import { describe, expect, test } from 'vitest';
import { canny } from '../../../../workers/vision/canny.ts';
import { driftOfFrame } from '../../../../workers/vision/colour-drift.ts';
import { depthCorrelationOfFrame } from '../../../../workers/vision/depth-correlation.ts';
import {
  dilate,
  edgeAgreement,
  edgeF1OfFrame,
  tolerance,
} from '../../../../workers/vision/edge-f1.ts';
import { flickerOfPair } from '../../../../workers/vision/flicker.ts';
import { greyFromRgb } from '../../../../workers/vision/grey.ts';
import { jointPckOfFrame } from '../../../../workers/vision/joint-pck.ts';
import { opticalFlow } from '../../../../workers/vision/optical-flow.ts';
import { movingDisc } from '../../../support/media/clips.ts';

const SIZE = { width: 128, height: 128 };

function flat(value: number, size: { width: number; height: number } = SIZE) {
  return { ...size, rgb: new Uint8Array(size.width * size.height * 3).fill(value) };
}

describe('canny', () => {
  test('finds nothing in a flat picture, and one closed line around a square', () => {
    expect(canny({ ...flat(90), low: 60, high: 150 }).some(Boolean)).toBe(false);
    const image = flat(0);
    for (let y = 40; y < 80; y++) image.rgb.fill(255, (y * 128 + 40) * 3, (y * 128 + 80) * 3);
    const edges = canny({ ...image, low: 60, high: 150 });
    const lit = edges.filter(Boolean).length;
    expect(lit).toBeGreaterThan(140);
    expect(lit).toBeLessThan(170);
  });

  test('takes thresholds in either order', () => {
    const image = movingDisc(0, SIZE);
    const edges = canny({ ...image, low: 60, high: 150 });
    expect(canny({ ...image, low: 150, high: 60 })).toEqual(edges);
  });

  test('sees an edge between colours of one brightness', () => {
    const image = flat(0);
    for (let i = 0; i < 128 * 128; i++) {
      image.rgb.set(i % 128 < 64 ? [100, 100, 100] : [200, 60, 52], i * 3);
    }
    const grey = greyFromRgb(image).values;
    expect(Math.abs(grey[0]! - grey[127]!)).toBeLessThan(2);
    expect(canny({ ...image, low: 60, high: 150 }).filter(Boolean)).toHaveLength(128);
  });

  test.each([
    [1, 1],
    [1, 9],
    [9, 1],
    [2, 2],
  ])('takes a picture of %d x %d', (width, height) => {
    expect(canny({ ...flat(7, { width, height }), low: 60, high: 150 })).toHaveLength(
      width * height,
    );
  });
});

describe('optical flow', () => {
  test('finds a shift of a textured picture, part of a pixel included', () => {
    const wave = (shift: number) => {
      const values = new Float32Array(128 * 128);
      for (let y = 0; y < 128; y++) {
        for (let x = 0; x < 128; x++) {
          const [u, v] = [x - shift, y + shift / 2];
          values[y * 128 + x] = 128 + 50 * Math.sin(u / 5) + 40 * Math.cos(v / 7 + u / 11);
        }
      }
      return { ...SIZE, values };
    };
    const flow = opticalFlow(wave(0), wave(3.5));
    let error = 0;
    let count = 0;
    for (let y = 16; y < 112; y++) {
      for (let x = 16; x < 112; x++, count++) {
        const at = y * 128 + x;
        error += Math.hypot(flow.horizontal[at]! - 3.5, flow.vertical[at]! + 1.75);
      }
    }
    expect(error / count).toBeLessThan(0.15);
  });

  test('stays zero where nothing moves and where there is nothing to see', () => {
    for (const image of [greyFromRgb(movingDisc(0, SIZE)), greyFromRgb(flat(50))]) {
      const flow = opticalFlow(image, image);
      expect(flow.horizontal.every((u) => u === 0)).toBe(true);
      expect(flow.vertical.every((v) => v === 0)).toBe(true);
    }
  });

  test.each([
    [5, 3],
    [8, 200],
    [101, 67],
  ])('takes a picture of %d x %d', (width, height) => {
    const image = greyFromRgb(movingDisc(0, { width, height }));
    const next = greyFromRgb(movingDisc(1, { width, height }));
    const flow = opticalFlow(image, next);
    expect(flow.horizontal).toHaveLength(width * height);
    expect(flow.horizontal.every(Number.isFinite)).toBe(true);
  });
});

describe('flicker', () => {
  test('is nothing for a still clip, little for a moving one, all of a change of light', () => {
    const disc = movingDisc(0, SIZE);
    expect(flickerOfPair(disc, disc)).toBe(0);
    const moved = movingDisc(2, SIZE);
    expect(driftOfFrame(disc, moved)).toBeGreaterThan(2);
    expect(flickerOfPair(disc, moved)).toBeLessThan(0.4);
    expect(flickerOfPair(flat(100), flat(110))).toBe(10);
  });

  test('is the same every time', () => {
    const [a, b] = [movingDisc(0, SIZE), movingDisc(3, SIZE)];
    expect(flickerOfPair(a, b)).toBe(flickerOfPair(a, b));
  });
});

describe('edge F1', () => {
  test('allows 2 pixels at 128, in proportion elsewhere, at least 1', () => {
    expect([16, 64, 128, 256, 512].map((side) => tolerance(side, 2 * side))).toEqual([
      1, 1, 2, 4, 8,
    ]);
  });

  test('dilates by a square, up to the border', () => {
    const mask = new Uint8Array(25);
    mask[6] = 1;
    const wide = dilate(mask, { width: 5, height: 5, reach: 1 });
    expect([...wide]).toEqual([
      1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });

  test('counts what is near as hit, in both directions', () => {
    const line = (column: number, rows: number) => {
      const mask = new Uint8Array(128 * 128);
      for (let y = 0; y < rows; y++) mask[y * 128 + column] = 1;
      return mask;
    };
    const agreement = (expected: Uint8Array, found: Uint8Array) =>
      edgeAgreement({ expected, found, ...SIZE });
    expect(agreement(line(40, 100), line(42, 100))).toEqual({ precision: 1, recall: 1, f1: 1 });
    expect(agreement(line(40, 100), line(43, 100))).toEqual({ precision: 0, recall: 0, f1: 0 });
    const half = agreement(line(40, 100), line(40, 48));
    expect(half).toMatchObject({ precision: 1, recall: 0.5 });
    expect(half.f1).toBeCloseTo(2 / 3, 10);
    expect(agreement(line(40, 0), line(40, 0)).f1).toBe(0);
  });

  test('is 1 for a frame against the control drawn from it, and low against another', () => {
    const frame = movingDisc(0, SIZE);
    const edges = canny({ ...frame, low: 60, high: 150 });
    const control = { ...SIZE, rgb: new Uint8Array(frame.rgb.length) };
    edges.forEach((value, i) => control.rgb.fill(value, 3 * i, 3 * i + 3));
    const thresholds = { low: 60, high: 150 };
    expect(edgeF1OfFrame(control, frame, thresholds).f1).toBe(1);
    expect(edgeF1OfFrame(control, movingDisc(12, SIZE), thresholds).f1).toBeLessThan(0.5);
  });
});

describe('the correlation of depth', () => {
  /** Grey that grows along x, from `from` by `step` a pixel. */
  const slope = (from: number, step: number) => {
    const picture = flat(0);
    for (let i = 0; i < picture.rgb.length; i++) {
      picture.rgb[i] = from + step * (Math.floor(i / 3) % SIZE.width);
    }
    return picture;
  };

  test('is 1 whatever the range, -1 where near is far, and about 0 of what lies elsewhere', () => {
    expect(depthCorrelationOfFrame(slope(0, 1), slope(10, 1))).toBeCloseTo(1, 12);
    expect(depthCorrelationOfFrame(slope(0, 1), slope(1, 2))).toBeGreaterThan(0.99);
    expect(depthCorrelationOfFrame(slope(0, 1), slope(255, -1))).toBeCloseTo(-1, 12);
    const disc = depthCorrelationOfFrame(movingDisc(0, SIZE), movingDisc(60, SIZE));
    expect(Math.abs(disc)).toBeLessThan(0.3);
  });

  test('is 0 where only one has any depth, and 1 where neither has', () => {
    expect(depthCorrelationOfFrame(slope(0, 1), flat(9))).toBe(0);
    expect(depthCorrelationOfFrame(flat(9), slope(0, 1))).toBe(0);
    expect(depthCorrelationOfFrame(flat(9), flat(0))).toBe(1);
  });
});

describe('the share of correct joints', () => {
  const at = (x: number, y: number, score = 0.9) => ({ x, y, score });
  const expected = [at(20, 20), at(60, 20), at(40, 90), at(5, 5, 0.1)];
  const asked = { ...SIZE, threshold: 0.3 };

  test('counts those within 4 pixels of 128, in proportion elsewhere', () => {
    const found = [at(22, 23.4), at(64, 20), at(40, 94.1), at(90, 90)];
    expect(jointPckOfFrame(expected, found, asked)).toBeCloseTo(2 / 3, 12);
    const large = { ...asked, width: 256, height: 160 };
    expect(jointPckOfFrame(expected, found, large)).toBe(1);
  });

  test('counts no joint that is not seen, or is seen as another', () => {
    const unseen = [at(20, 20, 0.2), at(60, 20), at(40, 90)];
    expect(jointPckOfFrame(expected, unseen, asked)).toBeCloseTo(2 / 3, 12);
    const swapped = [at(60, 20), at(20, 20), at(40, 90)];
    expect(jointPckOfFrame(expected, swapped, asked)).toBeCloseTo(1 / 3, 12);
  });

  test('of a frame without any is 1 if none is found', () => {
    const none = [at(5, 5, 0.1)];
    expect(jointPckOfFrame(none, none, asked)).toBe(1);
    expect(jointPckOfFrame(none, [at(5, 5)], asked)).toBe(0);
  });
});
