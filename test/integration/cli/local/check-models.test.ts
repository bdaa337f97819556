// `bivdiff models check` of whole sets: what it finds beside files that are missing. The set is test/support/models/tiny-set, copied
// and changed for each test.

import { appendFile, copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../../../support/cli-process.ts';
import { TINY_SET, graphPath } from '../../../support/models/paths.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-check-models-'));
  await cp(TINY_SET, folder, { recursive: true });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function change(file: string, changes: object): Promise<void> {
  const path = join(folder, file);
  const json = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...json, ...changes }));
}

async function check(...flags: string[]) {
  return endOfCli(startCli(['models', 'check', folder, ...flags]));
}

describe('models check', () => {
  it('finds nothing wrong with a sound set', async () => {
    const run = await check();
    expect(run.stdout).toMatch(/\nall sound\n$/);
    expect(run.code).toBe(0);
  });

  it('warns of a graph that loses digits, and says how to export it', async () => {
    await copyFile(
      graphPath('vae-decoder-group-norm.onnx'),
      join(folder, 'image/vae_decoder.onnx'),
    );
    const run = await check();
    expect(run.stdout).toMatch(
      /warning: image\/vae-decoder: .*vae_decoder\.onnx has the operator GroupNormalization, .* loses digits/,
    );
    expect(run.stdout).toMatch(/hint: .*opset 18.*opset_version=18/);
    expect(run.stdout).toMatch(/\nsound; 1 warning\n$/);
    expect(run.code).toBe(0);
    const { stdout } = await check('--json');
    expect(JSON.parse(stdout)).toMatchObject({
      sound: true,
      problems: [],
      warnings: [{ part: 'image/vae-decoder' }],
    });
  });

  it('warns of a scheduler that keeps latents within bounds, as a render with it does', async () => {
    const file = join(folder, 'image/scheduler/scheduler_config.json');
    const { clip_sample: said, ...config } = JSON.parse(await readFile(file, 'utf8')) as object & {
      readonly clip_sample?: boolean;
    };
    expect(said).toBe(false);
    await writeFile(file, JSON.stringify(config));
    const run = await check();
    expect(run.stdout).toContain(
      `warning: image/scheduler: ${file} keeps latents within -1 to 1 at every step, which spoils pictures\n  hint: Write "clip_sample": false into it.`,
    );
    expect(run.stdout).toMatch(/\nsound; 1 warning\n$/);
    const plan = ['plan', '--models', folder, '--task', 'frames', '--prompt', 'a star'];
    const input = join(import.meta.dirname, '../../../../examples/source.mp4');
    const words = [...plan, '--input', input, '--frames', '4', '--store', join(folder, 'store')];
    const { code, stderr } = await endOfCli(startCli(words));
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(
      /^warning: --models: .*scheduler_config\.json keeps latents within -1 to 1 /m,
    );
    expect(stderr.split('keeps latents')).toHaveLength(2);
    await writeFile(file, JSON.stringify({ ...config, clip_sample: false }));
    expect((await endOfCli(startCli(words))).stderr).not.toContain('keeps latents');
  });

  it('shows what form graphs have that the export did not write as it does by itself', async () => {
    expect((await check()).stdout).not.toContain('graphs: ');
    const entry = Buffer.from('\n\x0cbivdiff.form\x12\x07float16');
    const graph = join(folder, 'image/vae_decoder.onnx');
    await appendFile(graph, Buffer.from([0x72, entry.length, ...entry]));
    const run = await check();
    expect(run.stdout).toContain('\n  float16 graphs: image/vae-decoder\n');
    expect(run.stdout).toMatch(/\nall sound\n$/);
    const { parts } = JSON.parse((await check('--json')).stdout) as { parts: object[] };
    expect(parts).toContainEqual(
      expect.objectContaining({ name: 'image/vae-decoder', form: 'float16' }),
    );
    expect(parts).toContainEqual(expect.objectContaining({ name: 'image/unet', form: null }));
  });

  it('tells the command that makes a set of weights, or why none can', async () => {
    await rm(join(folder, 'card.json'));
    const lost = await check();
    expect(lost.stdout).toMatch(
      /\nproblem: \S+ has no card\.json\n {2}hint: Copy the set again;.*\n1 problem\n$/,
    );
    expect(lost.code).toBe(2);

    await rm(join(folder, 'image'), { recursive: true });
    await cp(join(TINY_SET, 'card.json'), join(folder, 'config.json'));
    await change('config.json', { _class_name: 'MotionAdapter' });
    await writeFile(join(folder, 'diffusion_pytorch_model.bin'), 'x');
    const run = await check();
    expect(run.stdout).toMatch(
      /\npython -m export models --name \S+ --license LICENSE --out \S+-set --image IMAGE --motion-adapter motion=\S+\n/,
    );
    expect(run.stdout).toMatch(/\n {2}IMAGE: the image pipeline that it goes with/);
    expect(run.code).toBe(2);
    const { stdout } = await check('--json');
    expect(JSON.parse(stdout)).toMatchObject({
      sound: false,
      what: 'a motion adapter',
      command: expect.stringMatching(/^python -m export models /) as string,
    });
  });

  it('warns of a scheduler of a class without a sampler, and says which stands nearest', async () => {
    const file = 'image/scheduler/scheduler_config.json';
    await change(file, { _class_name: 'KDPM2DiscreteScheduler' });
    const run = await check();
    expect(run.stdout).toMatch(
      /warning: image\/scheduler: .*scheduler_config\.json was saved by KDPM2DiscreteScheduler, .* drawn with ddim, the card's default\n/,
    );
    expect(run.stdout).toMatch(/hint: `--scheduler heun` stands nearest: it /);
    expect(run.stdout).toMatch(/\nsound; 1 warning\n$/);
    expect(run.code).toBe(0);
    await change(file, { _class_name: 'EulerDiscreteScheduler' });
    expect((await check()).stdout).toMatch(/\nall sound\n$/);
  });

  it('refuses schedulers that the card could not be rendered with, each cause once', async () => {
    await change('image/scheduler/scheduler_config.json', { prediction_type: 'sample' });
    const card = JSON.parse(await readFile(join(folder, 'card.json'), 'utf8')) as {
      defaults: object;
    };
    const defaults = { ...card.defaults, scheduler: 'pndm', inversion: 'official' };
    await change('card.json', { defaults });
    const run = await check();
    expect(run.stdout).toMatch(
      /problem: card: defaults\.scheduler: sampler pndm cannot run with .*scheduler_config\.json: prediction_type/,
    );
    expect(run.stdout).toMatch(
      /problem: card: defaults\.inversion: inversion official cannot run .*; choose ddim/,
    );
    expect(run.stdout).toMatch(/\n2 problems\n$/);
    expect(run.code).toBe(2);
  });
});
