// Model sets on disk that are whole: what is opened, of which files, by which digests.

import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { openModelSet, partsOf } from '../../../../common/models/model-folder.ts';
import type { ModelPart } from '../../../../common/models/model-set.ts';
import { graphPath } from '../../../support/models/paths.ts';
import { useTinySet } from '../../../support/models/tiny-set-copy.ts';

const tiny = useTinySet();
const { inSet, inspect } = tiny;

async function digestsOf(): Promise<Record<string, string>> {
  const { parts } = await inspect();
  return Object.fromEntries(parts.map(({ name, digest }) => [name, digest]));
}

function filesOf(part: ModelPart | undefined): string[] {
  return (part?.files ?? []).map((path) => path.slice(tiny.folder().length + 1)).sort();
}

describe('a whole model set', () => {
  it('is opened with all its parts', async () => {
    const set = await openModelSet(tiny.folder(), { cacheFolder: false });
    expect(set).toMatchObject({
      name: 'tiny',
      folder: tiny.folder(),
      defaultVideo: 'tiny',
      sizeMultiple: 8,
    });
    expect(set.defaults).toMatchObject({ width: 64, height: 32, sampler: 'ddim' });
    expect(Object.keys(set.generators)).toEqual(['canny']);
    expect(set.videos['tiny']).toMatchObject({ name: 'tiny', window: 4 });
    expect(set.image.vaeEncoder.config).toMatchObject({ scaling_factor: 0.18215 });
    expect(set.image.scheduler.config).toMatchObject({ beta_schedule: 'scaled_linear' });
    expect(set.image.tokenizer.folder).toBe(inSet('image', 'tokenizer'));
  });

  it('has the annotators that the card names, each with how pictures are given to it', async () => {
    const card = JSON.parse(await readFile(inSet('card.json'), 'utf8')) as object;
    const annotators = { depth: { kind: 'depth', model: 'midas' } };
    await writeFile(inSet('card.json'), JSON.stringify({ ...card, annotators }));
    const place = inSet('image', 'midas');
    const problems = (await inspect()).problems.map(({ path }) => path);
    expect(problems).toEqual([`${place}.onnx`, join(place, 'preprocessor_config.json')]);
    await mkdir(place);
    await cp(graphPath('depth-any-size.onnx'), join(place, 'model.onnx'));
    await writeFile(join(place, 'preprocessor_config.json'), '{"image_mean": 0, "image_std": 1}');
    const set = await openModelSet(tiny.folder(), { cacheFolder: false });
    const { model, ...depth } = set.annotators['depth']!;
    expect(depth).toEqual({ name: 'depth', kind: 'depth' });
    expect(model).toMatchObject({ name: 'image/annotator+depth', config: { image_std: 1 } });
    expect(filesOf(model)).toEqual([
      'image/midas/model.onnx',
      'image/midas/preprocessor_config.json',
    ]);
    expect(partsOf(set)).toContain(model);
  });

  it("has a generator's own parts where the card names them, each with its own config", async () => {
    const card = JSON.parse(await readFile(inSet('card.json'), 'utf8')) as {
      readonly generators: Readonly<Record<string, object>>;
    };
    const own = { unet: 'other/unet_controlnet-canny', textEncoder: 'other/text_encoder' };
    const canny = { ...card.generators['canny'], ...own, vae: 'other' };
    const generators = { ...card.generators, canny };
    await writeFile(inSet('card.json'), JSON.stringify({ ...card, generators }));
    // By way of beside it: no folder is copied into itself.
    await cp(inSet('image'), inSet('other'), { recursive: true });
    await rename(inSet('other'), inSet('image', 'other'));
    const config = inSet('image', 'other', 'vae', 'config.json');
    const other = JSON.stringify({ latent_channels: 4, scaling_factor: 0.13025 });
    await writeFile(config, other);
    const set = await openModelSet(tiny.folder(), { cacheFolder: false });
    const drawing = set.generators['canny']!;
    expect(drawing.vaeDecoder).toMatchObject({
      name: 'image/canny/vae-decoder',
      configFile: config,
    });
    expect(drawing.vaeEncoder.config).toEqual({ latent_channels: 4, scaling_factor: 0.13025 });
    expect(set.image.vaeDecoder.config).toMatchObject({ scaling_factor: 0.18215 });
    expect(drawing.unet.configFile).toBe(inSet('image', 'other', 'unet', 'config.json'));
    expect(drawing.tokenizer).toBe(set.image.tokenizer);
    expect(partsOf(set)).toEqual(
      expect.arrayContaining([drawing.vaeEncoder, drawing.vaeDecoder, drawing.textEncoder]),
    );
    await rm(inSet('image', 'other', 'vae_decoder.onnx'));
    expect((await inspect()).problems).toMatchObject([{ part: 'image/canny/vae-decoder' }]);
  });

  it('counts to a graph its config and every weights file that the graph names', async () => {
    const { image, generators } = await openModelSet(tiny.folder(), { cacheFolder: false });
    const weights = 'diffusion_pytorch_model.safetensors';
    expect(filesOf(image.unet)).toEqual([
      `image/unet/config.json`,
      `image/unet/${weights}`,
      `image/unet/model.onnx`,
    ]);
    expect(filesOf(generators['canny']?.unet)).toEqual([
      `image/controlnet-canny/${weights}`,
      `image/unet/config.json`,
      `image/unet/${weights}`,
      `image/unet_controlnet-canny.onnx`,
    ]);
    expect(filesOf(image.vaeDecoder)).toEqual([
      `image/vae/config.json`,
      `image/vae/${weights}`,
      `image/vae_decoder.onnx`,
    ]);
    expect(image.unet.bytes).toBe(await bytesOf(image.unet));
  });

  it('has for each part a digest that changes with its files, and with no others', async () => {
    const before = await digestsOf();
    await writeFile(
      inSet('image', 'vae', 'diffusion_pytorch_model.safetensors'),
      Buffer.alloc(5000),
    );
    await writeFile(inSet('image', 'scheduler', 'scheduler_config.json'), '{"steps_offset": 0}');
    await writeFile(inSet('README.md'), 'not part of any model');
    const after = await digestsOf();
    const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
    expect(changed).toEqual(['image/vae-encoder', 'image/vae-decoder', 'image/scheduler']);
  });

  it('has the digest of its lines of name and file digest', async () => {
    const { image } = await openModelSet(tiny.folder(), { cacheFolder: false });
    const bytes = await readFile(inSet('image', 'scheduler', 'scheduler_config.json'));
    const line = `image/scheduler/scheduler_config.json ${sha256(bytes)}\n`;
    expect(image.scheduler.digest).toBe(sha256(line));
  });

  it("may have a video model's scheduler, as a part of its own", async () => {
    const before = await openModelSet(tiny.folder(), { cacheFolder: false });
    expect(before.videos['tiny']?.scheduler).toBeUndefined();
    const parts = partsOf(before).map(({ name, digest }) => `${name} ${digest}`);
    await mkdir(inSet('video', 'tiny', 'scheduler'));
    const file = inSet('video', 'tiny', 'scheduler', 'scheduler_config.json');
    await writeFile(file, '{"prediction_type": "epsilon", "lambda_min_clipped": -Infinity}');
    const after = await openModelSet(tiny.folder(), { cacheFolder: false });
    const scheduler = after.videos['tiny']?.scheduler;
    expect(scheduler).toMatchObject({
      name: 'video/tiny/scheduler',
      configFile: file,
      config: { prediction_type: 'epsilon', lambda_min_clipped: '-Infinity' },
      files: [file],
    });
    const all = partsOf(after).map(({ name, digest }) => `${name} ${digest}`);
    expect(all.sort()).toEqual([...parts, `video/tiny/scheduler ${scheduler!.digest}`].sort());
    const { parts: found } = await inspect();
    expect(found.map(({ name }) => name).at(-1)).toBe('video/tiny/scheduler');

    await writeFile(file, 'no JSON');
    expect((await inspect()).problems).toMatchObject([
      { part: 'video/tiny/scheduler', path: file },
    ]);
  });

  it('may have a byte order mark before every JSON file, as editors leave it', async () => {
    for (const path of await readdir(tiny.folder(), { recursive: true })) {
      if (!path.endsWith('.json')) continue;
      await writeFile(inSet(path), `\uFEFF${await readFile(inSet(path), 'utf8')}`);
    }
    const set = await openModelSet(tiny.folder(), { cacheFolder: false });
    expect(set).toMatchObject({ name: 'tiny', defaultVideo: 'tiny' });
    expect(set.image.scheduler.config).toMatchObject({ beta_schedule: 'scaled_linear' });
    expect(set.videos['tiny']?.window).toBe(4);
  });

  it('has the same digests in another place', async () => {
    const before = await digestsOf();
    await tiny.moveTo('elsewhere');
    expect(await digestsOf()).toEqual(before);
  });

  it("may be without the inflated UNet, and may be in optimum's layout", async () => {
    await rm(inSet('image', 'unet', 'inflated.onnx'));
    for (const half of ['vae_encoder', 'vae_decoder']) {
      // The weights are named relative to the graph, so they move below it.
      await cp(inSet('image', 'vae'), inSet('image', half, 'vae'), { recursive: true });
      await cp(inSet('image', `${half}.onnx`), inSet('image', half, 'model.onnx'));
      await cp(inSet('image', 'vae', 'config.json'), inSet('image', half, 'config.json'));
      await rm(inSet('image', `${half}.onnx`));
    }
    await rm(inSet('image', 'vae'), { recursive: true });
    const { image } = await openModelSet(tiny.folder(), { cacheFolder: false });
    expect(image.unetInflated).toBeUndefined();
    expect(image.vaeEncoder.graph).toBe(inSet('image', 'vae_encoder', 'model.onnx'));
  });
});

async function bytesOf(part: ModelPart): Promise<number> {
  const sizes = await Promise.all(part.files.map(async (path) => (await readFile(path)).length));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
