// Do the vision functions agree with OpenCV? Goldens by models/parity/vision/record.py.

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { decodePng } from '../../../../workers/media/pixels/png.ts';
import type { RgbImage } from '../../../../workers/media/media-types.ts';
import { canny } from '../../../../workers/vision/canny.ts';
import { driftOfFrame } from '../../../../workers/vision/metrics/colour-drift.ts';
import { edgeAgreement } from '../../../../workers/vision/metrics/edge-f1.ts';
import { flickerOfPair } from '../../../../workers/vision/metrics/flicker.ts';
import { pictureBetween } from '../../../../workers/vision/picture-between.ts';
import goldens from '../../../../models/parity/vision/goldens/index.json' with { type: 'json' };

async function picture(name: string): Promise<RgbImage> {
  const file = new URL(`../../../../models/parity/vision/goldens/${name}.png`, import.meta.url);
  return decodePng(await readFile(file));
}

/** Clips are stored as one tall picture. */
async function clip(name: string, frames: number): Promise<RgbImage[]> {
  const { rgb, width, height } = await picture(name);
  const size = rgb.length / frames;
  return Array.from({ length: frames }, (_, i) => ({
    width,
    height: height / frames,
    rgb: rgb.slice(i * size, (i + 1) * size),
  }));
}

test.each(goldens.canny)(
  'canny equals OpenCV to the pixel: $name, $low to $high',
  async (golden) => {
    const { name, low, high } = golden;
    const image = await picture(name);
    const expected = await picture(`${name}-edges-${low}-${high}`);
    const edges = canny({ ...image, low, high });
    expect([...edges]).toEqual([...expected.rgb].filter((_, i) => i % 3 === 0));
  },
);

describe.each(goldens.clips)('$name', (golden) => {
  const pairs = async () => {
    const frames = await clip(golden.name, golden.frames);
    return frames.slice(1).map((current, i) => ({ previous: frames[i]!, current }));
  };
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

  test('flicker is no more than OpenCV’s DIS leaves, and most of what is no motion stays', async () => {
    const flicker = mean(
      (await pairs()).map(({ previous, current }) => flickerOfPair(previous, current)),
    );
    // Ours ends at full resolution, DIS's medium preset at half: it may leave less, never much more.
    expect(flicker).toBeLessThanOrEqual(golden.flicker * 1.15);
    if (['flickering', 'grain'].includes(golden.name)) {
      expect(flicker).toBeGreaterThan(golden.flicker * 0.8);
    }
    // Motion is taken away: a small part of the plain difference is left.
    else expect(flicker).toBeLessThan(golden.still * 0.2);
  });

  test('drift equals NumPy’s', async () => {
    const drift = mean(
      (await pairs()).map(({ previous, current }) => driftOfFrame(previous, current)),
    );
    expect(drift).toBeCloseTo(golden.driftToNext, 4);
  });
});

test.each(goldens.clips.filter((golden) => golden.betweenMoved !== undefined))(
  'a picture between two is as near the true one as by OpenCV’s DIS: $name',
  async ({ name, frames: count, betweenMean, betweenMoved }) => {
    const [before, middle, after] = await clip(name, count);
    const { rgb } = middle!;
    const made = pictureBetween(before!, after!);
    const far = made.reduce((sum, level, i) => sum + Math.abs(level - rgb[i]!), 0) / made.length;
    expect(far).toBeLessThanOrEqual(betweenMoved * 1.2);
    // Where nothing but motion changes, far nearer than their mean.
    if (name !== 'flickering') expect(far).toBeLessThan(betweenMean * 0.3);
  },
);

test.each(goldens.clips.filter((golden) => golden.name !== 'panning-odd'))(
  'edge F1 equals OpenCV’s where the picture is 128 pixels high: $name',
  async (golden) => {
    const thresholds = { low: 60, high: 150 };
    const frames = await clip(golden.name, golden.frames);
    const edges = frames.map((frame) => canny({ ...frame, ...thresholds }));
    const scores = edges
      .slice(1)
      .map((found, i) => edgeAgreement({ expected: edges[i]!, found, width: 128, height: 128 }).f1);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    expect(mean).toBeCloseTo(golden.edgeF1ToNext, 6);
  },
);
