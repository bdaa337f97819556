// A CLIP in ONNX against transformers' own, on the same pictures and texts (test/support/models/build_clip.py).

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Clip } from '../../../../cli/compare/clip.ts';
import { cosine, openClip } from '../../../../cli/compare/clip-model.ts';
import { compareClips } from '../../../../cli/compare/compared.ts';
import type { RgbImage } from '../../../../workers/media/media-types.ts';

const root = join(import.meta.dirname, '../../../..');
const TINY = join(root, 'test/support/models/tiny-clip');

interface Expected {
  readonly texts: readonly string[];
  readonly expected: readonly {
    readonly width: number;
    readonly height: number;
    readonly pairs: readonly number[];
    /** By text, then by picture. */
    readonly texts: readonly (readonly number[])[];
  }[];
}

/** The same ramps as in build_clip.py. */
function picture(width: number, height: number, frame: number): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const values = [5 * x + 40 * frame, 3 * y + x, 2 * x + 7 * y + 90 * frame];
      rgb.set(values, 3 * (y * width + x));
    }
  }
  return { rgb, width, height };
}

/** Of any cosine from what transformers says. */
async function farthest(folder: string): Promise<number> {
  const { texts, expected } = JSON.parse(
    await readFile(join(TINY, 'expected.json'), 'utf8'),
  ) as Expected;
  await using clip = await openClip(folder, 1);
  const ofTexts = await Promise.all(texts.map((text) => clip.embedText(text)));
  const distances: number[] = [];
  for (const { width, height, pairs, texts: byText } of expected) {
    const frames = [0, 1, 2].map((frame) => picture(width, height, frame));
    const seen = await clip.embedPictures(frames);
    pairs.forEach((pair, i) => distances.push(pair - cosine(seen[i]!, seen[i + 1]!)));
    byText.forEach((line, text) =>
      line.forEach((value, frame) => {
        distances.push(value - cosine(ofTexts[text]!, seen[frame]!));
      }),
    );
  }
  return Math.max(...distances.map(Math.abs));
}

describe('a CLIP of the user', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-clip-'));
    await cp(TINY, folder, { recursive: true });
    await cp(join(root, 'models/demo/image/tokenizer'), folder, { recursive: true });
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('says of pictures and texts what transformers says', async () => {
    // Pillow's bicubic and libvips' differ by a level here and there: 0.013 at most was seen.
    expect(await farthest(folder)).toBeLessThan(0.016);
  });

  it('says something else where pictures are not prepared as it was trained', async () => {
    const other = await mkdtemp(join(tmpdir(), 'bivdiff-clip-'));
    try {
      await cp(folder, other, { recursive: true });
      const path = join(other, 'preprocessor_config.json');
      const text = await readFile(path, 'utf8');
      await writeFile(path, text.replace('0.48145466', '0.40821073'));
      expect(await farthest(other)).toBeGreaterThan(0.1);
    } finally {
      await rm(other, { recursive: true });
    }
  });

  it('adds consistency and alignment to a comparison, and the latter only where there is a prompt', async () => {
    await using model = await openClip(folder, 1);
    const clip = (label: string, more: Partial<Clip>): Clip => ({
      ...{ label, framesPerSecond: 8, kind: 'measured', origin: { path: label } },
      frames: [0, 1, 2].map((frame) => picture(48, 40, frame)),
      ...more,
    });
    const still = Array.from({ length: 3 }, () => picture(48, 40, 0));
    const clips = [clip('a', { prompt: 'a red square' }), clip('still', { frames: still })];
    const signal = new AbortController().signal;
    const compared = await compareClips(clips, clips[0]!, { signal, model });
    const [moving, frozen] = compared.clips;
    expect(frozen?.measured?.['clipConsistency']?.mean).toBeCloseTo(1, 5);
    expect(moving?.measured?.['clipConsistency']?.mean).toBeLessThan(0.9);
    expect(moving?.measured?.['clipText']?.series).toHaveLength(3);
    expect(frozen?.measured?.['clipText']).toBeUndefined();
    expect(compared.notes.join()).not.toContain('CLIP');
    const without = await compareClips(clips, clips[0]!, { signal });
    expect(without.figures.map(({ id }) => id)).not.toContain('clipText');
    expect(without.notes.join()).toContain('need --clip DIR');
  });

  it('is refused where it is none, each with what is missing', async () => {
    await expect(openClip(join(folder, 'none'), 1)).rejects.toThrow(/--clip: there is no \S+none/);
    const other = await mkdtemp(join(tmpdir(), 'bivdiff-clip-'));
    try {
      await cp(folder, other, { recursive: true });
      await cp(join(root, 'test/support/models/graphs/add.onnx'), join(other, 'model.onnx'));
      await expect(openClip(other, 1)).rejects.toThrow(
        'has no input_ids, pixel_values, text_embeds, image_embeds',
      );
      await writeFile(join(other, 'preprocessor_config.json'), '{"size": "large"}');
      await expect(openClip(other, 1)).rejects.toThrow("is no image processor's");
    } finally {
      await rm(other, { recursive: true });
    }
  });
});
