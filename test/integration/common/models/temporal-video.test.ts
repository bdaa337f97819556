// A set's video model that is temporal layers over the image model: what it is made of, and what may be wrong with it.
// The set is test/support/models/tiny-set, copied for each test.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { inspectModelSet, openModelSet, partsOf } from '../../../../common/models/model-folder.ts';
import type { ModelPart } from '../../../../common/models/model-set.ts';
import { TINY_SET } from '../../../support/models/paths.ts';

const WEIGHTS = 'diffusion_pytorch_model.safetensors';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-temporal-'));
  await cp(TINY_SET, folder, { recursive: true });
});
afterEach(async () => rm(folder, { recursive: true }));

function inSet(...names: string[]): string {
  return join(folder, ...names);
}

/** As a motion adapter is written, but that its graph is a copy of the image UNet's. */
async function addLayers(config: object): Promise<void> {
  const card = JSON.parse(await readFile(inSet('card.json'), 'utf8')) as { videos: object };
  const motion = {
    ...{ unet: 'unet_motion-a', temporal: 'motion-a' },
    defaults: { videoGuidanceScale: 4 },
  };
  const videos = { ...card.videos, motion };
  await writeFile(inSet('card.json'), JSON.stringify({ ...card, videos }));
  await mkdir(inSet('image', 'motion-a'));
  await writeFile(inSet('image', 'motion-a', 'config.json'), JSON.stringify(config));
  await cp(inSet('image', 'unet', 'model.onnx'), inSet('image', 'unet_motion-a.onnx'));
  await cp(inSet('image', 'unet', WEIGHTS), inSet('image', WEIGHTS));
}

describe('temporal layers over the image model', () => {
  it('are a video model that shares all but the UNet with it', async () => {
    await addLayers({ window: 8, motion_max_seq_length: 32 });
    const set = await openModelSet(folder, { cacheFolder: false });
    const { tokenizer, textEncoder } = set.image;
    const { motion } = set.videos;
    expect(motion).toEqual({
      ...{ name: 'motion', tokenizer, textEncoder },
      unet: expect.objectContaining({ name: 'video/motion/unet' }) as ModelPart,
      ...{ window: 8, windowMax: 32, defaults: { videoGuidanceScale: 4 } },
    });
    expect(motion?.unet.files.map((path) => path.slice(folder.length + 1)).sort()).toEqual([
      `image/${WEIGHTS}`,
      'image/motion-a/config.json',
      'image/unet_motion-a.onnx',
    ]);
    expect(partsOf(set).map(({ name }) => name)).toContain('video/motion/unet');
  });

  it.each([
    [{}, /has no `window`/],
    [{ window: 40, motion_max_seq_length: 32 }, /has motion_max_seq_length 32, and a window of 40/],
    [{ window: 8, motion_max_seq_length: 'many' }, /has motion_max_seq_length "many"/],
  ])('are refused for their windows: %j', async (config, problem) => {
    await addLayers(config);
    const { problems } = await inspectModelSet(folder, { cacheFolder: false });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      part: 'video/motion/unet',
      path: inSet('image', 'motion-a', 'config.json'),
      problem: expect.stringMatching(problem) as string,
    });
  });
});
