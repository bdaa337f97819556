// Goal: models as they are published can be rendered with. Method: the whole road on small random models that are laid out and named as
// Stable Diffusion 1.5, its ControlNets, a T2I-Adapter, annotators and ZeroScope are: rehearse, export, check against torch, models check, render. Needs a Python
// with models/requirements.txt: $BIVDIFF_PYTHON, else python3.

import { globSync, statSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../support/cli-process.ts';
import { checkedGraphs, exporter, needPython, python } from '../support/exporter.ts';

const root = join(import.meta.dirname, '../..');
const SOURCE = join(root, 'examples/source.mp4');
/** The operator that attention is as one node. */
const FUSED = 'MultiHeadAttention';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-road-'));
  await needPython();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** With the set that has all of the models. */
async function render(name: string, ...flags: readonly string[]): Promise<void> {
  const output = join(folder, `${name}.mp4`);
  const words = ['render', '--quiet', '--models', join(folder, 'tuned'), ...flags];
  words.push('--input', SOURCE, '--prompt', 'a red star', '--frames', '8', '--steps', '2');
  const ended = await endOfCli(
    startCli([...words, '--store', join(folder, 'store'), '--output', output]),
  );
  expect(ended.code, ended.stderr).toBe(0);
  expect((await stat(output)).size).toBeGreaterThan(10_000);
}

/** Names of the weights that a safetensors file says it has: a length of 8 bytes, then JSON. */
async function weightsOf(path: string): Promise<string[]> {
  await using file = await open(path);
  const { buffer: length } = await file.read(Buffer.alloc(8), 0, 8, 0);
  const size = Number(length.readBigUInt64LE());
  const { buffer: header } = await file.read(Buffer.alloc(size), 0, size, 8);
  return Object.keys(JSON.parse(header.toString()) as object).sort();
}

/** The bytes of a set's graphs, which hold no weights. */
async function graphsOf(set: string): Promise<Readonly<Record<string, Buffer>>> {
  const paths = globSync('**/*.onnx', { cwd: set }).sort();
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(set, path))] as const)),
  );
}

describe('models as they are published', () => {
  it('are exported, are what torch computes, and render', async () => {
    const parts = join(folder, 'parts');
    const set = join(folder, 'set');
    await exporter('rehearse', parts);
    for (const model of ['image', 'video']) {
      const names = await weightsOf(join(parts, model, 'text_encoder/model.safetensors'));
      expect(names).toContain('text_model.embeddings.token_embedding.weight');
      expect(names.filter((name) => !name.startsWith('text_model.'))).toEqual(['__metadata__']);
    }
    expect(await weightsOf(join(parts, 'image/vae/diffusion_pytorch_model.safetensors'))).toContain(
      'decoder.mid_block.attentions.0.query.weight',
    );

    await exporter(
      ...['models', '--name', 'rehearsal', '--license', 'none', '--out', set],
      ...['--image', join(parts, 'image'), '--video', `zeroscope=${join(parts, 'video')}`],
      ...['--video', `vidrd=${join(parts, 'vidrd')}`],
      ...['--motion-adapter', `animatediff=${join(parts, 'motion-adapter')}`],
      ...['--controlnet', `canny=${join(parts, 'controlnet-canny')}`, '--size', '128x128'],
      ...['--controlnet', `depth=${join(parts, 'controlnet-depth')}`, '--fuse', 'canny+depth'],
      ...['--t2i-adapter', `canny=${join(parts, 't2iadapter-canny')}`],
      ...['--annotator', `depth=${join(parts, 'annotators/depth/model.onnx')}`],
      ...['--annotator', `pose=${join(parts, 'annotators/pose.onnx')}`],
    );
    // Whoever may read the card may read the weights: workers are often another user.
    const readers = (path: string): number => statSync(join(set, path)).mode & 0o444;
    const weights = globSync('**/*.{safetensors,onnx}', { cwd: set });
    expect(weights.length).toBeGreaterThan(10);
    expect(weights.filter((path) => readers(path) !== readers('card.json'))).toEqual([]);

    const windows = Object.entries({
      'video/zeroscope/unet': 24,
      'image/motion-animatediff': 16,
      'video/vidrd/unet': 8,
    });
    for (const [model, window] of windows) {
      const config = await readFile(join(set, model, 'config.json'), 'utf8');
      expect(JSON.parse(config), model).toMatchObject({ window });
    }

    // The folder's says nothing of it, and diffusers' DDIM would then clip latents.
    for (const [at, clips] of [
      [parts, undefined],
      [set, false],
    ] as const) {
      const config = await readFile(join(at, 'image/scheduler/scheduler_config.json'), 'utf8');
      expect((JSON.parse(config) as { clip_sample?: boolean }).clip_sample, at).toBe(clips);
    }

    const checked = await checkedGraphs(set);
    expect(checked).toHaveLength(22);
    for (const { graph, share } of checked) expect(share, graph).toBeLessThan(1e-4);

    const tuning = ['--clip', SOURCE, '--prompt', 'a red star', '--models', set, '--steps', '2'];
    await python('-m', 'export.tune_a_video', ...tuning, '--out', join(folder, 'tuned'));
    const check = await endOfCli(startCli(['models', 'check', join(folder, 'tuned')]));
    expect(check.stdout).toMatch(/\nall sound\n$/);
    for (const video of ['zeroscope', 'vidrd', 'animatediff', 'tuned']) {
      await render(video, '--task', 'controlnet', '--mixing-ratio', '0.5', '--video-model', video);
    }
    await render('together', '--task', 'controlnet', '--method', 'controlvideo');
  });

  it('have graphs that are written anew as they were, or with operators that every provider has', async () => {
    const set = join(folder, 'tuned');
    const before = await graphsOf(set);
    const fused = Object.keys(before).filter((path) => before[path]!.includes(FUSED));
    expect(fused).toContain('image/unet/model.onnx');
    const paths = (await exporter('graphs', set)).trim().split('\n');
    expect(paths).toEqual(expect.arrayContaining(fused));
    expect(await graphsOf(set)).toEqual(before);

    await exporter('graphs', set, '--plain-attention');
    const plain = await graphsOf(set);
    expect(Object.keys(plain)).toEqual(Object.keys(before));
    expect(Object.keys(plain).filter((path) => plain[path]!.includes(FUSED))).toEqual([]);
    for (const { graph, share } of await checkedGraphs(set)) {
      expect(share, graph).toBeLessThan(1e-4);
    }
  });

  it('are tuned on a clip only if all that they need is there', async () => {
    const words = ['--clip', 'gone.mp4', '--prompt', ' ', '--models', folder, '--out', folder];
    const ended = await python('-m', 'export.tune_a_video', ...words).catch(
      (reason: unknown) => reason,
    );
    const { stderr } = ended as { readonly stderr: string };
    expect(stderr.trim().split('\n').slice(-4)).toEqual([
      '--clip gone.mp4: there is no such file',
      `--models ${folder}: it has no card.json, so it is no model set`,
      `--out ${folder}: it is there, and no model set`,
      '--prompt: has no words; it says what the clip shows',
    ]);
  });
});
