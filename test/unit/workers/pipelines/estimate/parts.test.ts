// The pieces of the estimate stage that are formulas: how a frame is given, how depth becomes grey, how joints are found.

import { describe, expect, it } from 'vitest';

import { depthPicture } from '../../../../../workers/pipelines/estimate/depth-picture.ts';
import { jointsOfLines, jointsOfMaps } from '../../../../../workers/pipelines/estimate/joints.ts';
import {
  preparationOf,
  preparedPicture,
  sizeFor,
} from '../../../../../workers/pipelines/estimate/picture-input.ts';

const ANY = ['b', 3, 'h', 'w'];
const NORMAL = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.25, 0.5] };
const prepared = (config: object, shape: readonly (number | string)[] = ANY) =>
  preparationOf({ ...NORMAL, ...config }, { part: 'image/annotator+depth', shape });

describe('the size at which a frame is seen', () => {
  /** transformers' DPTImageProcessor.get_resize_output_image_size gives the same. */
  it.each([
    [{ size: { height: 384, width: 384 } }, [512, 320], [384, 384]],
    [{ size: 64 }, [512, 320], [64, 64]],
    [{}, [130, 66], [130, 66]],
    [{ ensure_multiple_of: 32 }, [130, 66], [128, 64]],
    [{ size: 518, keep_aspect_ratio: true, ensure_multiple_of: 14 }, [640, 480], [686, 518]],
    [{ size: 518, keep_aspect_ratio: true, ensure_multiple_of: 14 }, [480, 640], [518, 686]],
    [{ size: 128, keep_aspect_ratio: true, ensure_multiple_of: 16 }, [128, 96], [128, 96]],
  ])('%j: %j as %j', (config, [width, height], [wide, high]) => {
    const frame = { width: width!, height: height! };
    expect(sizeFor(frame, prepared(config))).toEqual({ width: wide, height: high });
  });

  it('is that of a graph that takes no other', () => {
    const preparation = prepared({ size: 64 }, [1, 3, 256, 192]);
    expect(sizeFor({ width: 128, height: 128 }, preparation)).toEqual({ width: 192, height: 256 });
  });
});

describe('a picture for the model', () => {
  const picture = { rgb: Uint8Array.of(0, 255, 51, 102, 0, 255), width: 2, height: 1 };

  it('has planes of normalised levels', () => {
    const values = preparedPicture(picture, { width: 2, height: 1 }, prepared({}));
    const expected = [-1, (102 / 255 - 0.5) / 0.5, 2, -2, (51 / 255 - 0.5) / 0.5, 1];
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  it('may be of levels as they are', () => {
    const config = { do_rescale: false, do_normalize: false };
    const values = preparedPicture(picture, { width: 2, height: 1 }, prepared(config));
    expect([...values]).toEqual([0, 102, 255, 0, 51, 255]);
  });

  it('is resized to whole levels within range', () => {
    const config = { do_rescale: false, do_normalize: false };
    const values = preparedPicture(picture, { width: 6, height: 1 }, prepared(config));
    expect(
      [...values].every((level) => Number.isInteger(level) && level >= 0 && level <= 255),
    ).toBe(true);
    expect(values.subarray(6, 12)[0]).toBe(255);
  });

  it.each([
    [{ image_mean: undefined }, /image_mean: is missing, and do_normalize is not false/],
    [{ size: { shortest_edge: 224 } }, /size: /],
    [{ image_std: [1, 2] }, /image_std: /],
    [{ resample: 0 }, /resample: /],
  ])('is refused where the config says it otherwise: %j', (config, sentence) => {
    expect(() => prepared(config)).toThrow(sentence);
    expect(() => prepared(config)).toThrow(/image\/annotator\+depth: its config does not say/);
  });
});

describe('depth', () => {
  const greys = ({ rgb }: { rgb: Uint8Array }) => [...rgb].filter((_, i) => i % 3 === 0);
  const size = { width: 2, height: 2 };

  it('is grey from the farthest to the nearest, whatever its scale', () => {
    const shown = depthPicture(Float32Array.of(3, 5, 4, 3.5), size, size);
    expect(greys(shown)).toEqual([0, 255, 128, 64]);
    expect(shown.rgb.subarray(3, 6)).toEqual(Uint8Array.of(255, 255, 255));
    expect(greys(depthPicture(Float32Array.of(-30, -10, -20, -25), size, size))).toEqual([
      0, 255, 128, 64,
    ]);
  });

  it('that is the same everywhere is black', () => {
    expect(greys(depthPicture(Float32Array.of(4, 4, 4, 4), size, size))).toEqual([0, 0, 0, 0]);
  });

  it('has the size of the frame', () => {
    const shown = depthPicture(Float32Array.of(0, 1, 0, 1), size, { width: 4, height: 3 });
    expect(shown).toMatchObject({ width: 4, height: 3 });
    expect(greys(shown).slice(0, 4)).toEqual([0, 64, 191, 255]);
  });
});

describe('joints', () => {
  it('of lines lie at the highest places, and are as sure as the less sure line', () => {
    // Two places to a pixel of 4x3, of a frame twice as large.
    const x = Float32Array.of(0, 0, 0, 0.9, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0);
    const y = Float32Array.of(0, 0, 0, 0, 0.6, 0, 0, 0, 0, 0, 0, 0.7);
    const sizes = { seen: { width: 4, height: 3 }, frame: { width: 8, height: 6 } };
    const [first, second] = jointsOfLines({ x, y, joints: 2 }, sizes);
    expect(first!.x).toBeCloseTo(2 * 1.5 + 0.5, 6);
    expect(first!.y).toBeCloseTo(2 * 2 + 0.5, 6);
    expect(first!.score).toBeCloseTo(0.6, 6);
    expect(second!.x).toBeCloseTo(0.5, 6);
    expect(second!.score).toBeCloseTo(0.5, 6);
  });

  it('of maps lie between cells, where a bump is', () => {
    const map = { width: 8, height: 6 };
    const bump = (cx: number, cy: number) =>
      Float32Array.from({ length: 48 }, (_, i) =>
        Math.exp(-(((i % 8) - cx) ** 2 + (Math.floor(i / 8) - cy) ** 2) / 2),
      );
    const maps = Float32Array.of(...bump(3.3, 2.1), ...bump(0, 5));
    const frame = { width: 32, height: 24 };
    const [first, second] = jointsOfMaps({ maps, joints: 2, map }, { frame });
    expect(first!.x).toBeCloseTo(4 * 3.8 - 0.5, 3);
    expect(first!.y).toBeCloseTo(4 * 2.6 - 0.5, 3);
    expect(second).toEqual({ x: 1.5, y: 21.5, score: 1 });
  });
});
