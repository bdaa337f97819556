// Goal: whatever is wrong ends in one clear error that names what and where, with something to do, no stack, an exit code
// that is not 0, and nothing left where the output goes. Method: the real program on real broken things.

import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import type { CliRun } from '../../support/cli-process.ts';
import { damagedLate } from '../../support/media/damaged.ts';
import {
  FIXTURES,
  SOURCE,
  bivdiff,
  copyTinyModels,
  createWorkplace,
  expectOneError,
  jsonOf,
  poisonWeights,
  tinyFlags,
} from './workplace.ts';
import type { Workplace } from './workplace.ts';

describe('a source that cannot be rendered', () => {
  it.each([
    ['is missing', { input: 'none.mp4' }, /none\.mp4: no such file/],
    ['is empty', { input: join(FIXTURES, 'empty.mp4') }, /empty\.mp4 is not a video/],
    ['is no video', { input: join(FIXTURES, 'text.mp4') }, /text\.mp4 is not a video/],
    ['is cut off', { input: join(FIXTURES, 'truncated.mp4') }, /truncated\.mp4 is truncated/],
    ['is too short', { frames: '100' }, /--frames: .* has 64 frames, but 397 are needed/],
  ])('because it %s', async (_, changes, message) => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('render', '--quiet', ...tinyFlags(place, { output, ...changes }));
    expectOneError(run, message);
    expect(await place.outputs()).toEqual([]);
  });
});

describe('a source that turns out to be damaged', () => {
  it('further on, is named as the user knows it, at the first try', async () => {
    await using place = await createWorkplace();
    const input = place.path('my holiday.mp4');
    await writeFile(input, damagedLate(await readFile(SOURCE)));
    const output = place.path('out', 'clip.mp4');
    const flags = tinyFlags(place, { input, output, frames: '24', start: '40', stride: '1' });
    const run = await bivdiff('render', '--quiet', ...flags);
    expectOneError(run, /ingest of frames? .* failed: my holiday\.mp4 is damaged/);
    expect(run.stderr).not.toMatch(/tried|the source/);
    expect(await place.outputs()).toEqual([]);
  });

  it('in one picture of a folder, is named with the folder', async () => {
    await using place = await createWorkplace();
    const input = place.path('my frames');
    await mkdir(input);
    for (const name of ['1.png', '2.png'])
      await copyFile(join(FIXTURES, 'alpha.png'), join(input, name));
    await truncate(join(input, '2.png'), 60);
    const output = place.path('out', 'clip.mp4');
    const flags = tinyFlags(place, { input, output, frames: '2', stride: '1' });
    const run = await bivdiff('render', '--quiet', ...flags);
    expectOneError(run, /failed: my frames\/2\.png is damaged, or no picture/);
  });
});

describe('settings that do not fit', () => {
  it.each([
    ['a word that is none', { task: 'controlnot' }, /--task: .* did you mean controlnet\?/],
    ['no frames', { frames: '0' }, /--frames: expected 1 to 1000000, got 0/],
    [
      'a size off the grid',
      { size: '100x100' },
      /--size: .* multiples of 8; the nearest is 104x104/,
    ],
    [
      'a video model that is not there',
      { 'video-model': 'zero' },
      /--video-model: no video model zero in .*tiny/,
    ],
    ['a folder without models', { models: FIXTURES }, /card\.json is missing/],
    [
      'more steps than the schedule has room for',
      { steps: '1000' },
      /--steps: 1000 do not fit .*scheduler_config\.json .*; the nearest count that fits is 999/,
    ],
    [
      'features that its models cannot use again, and a size off the grid',
      { 'cache-interval': '3', size: '100x100' },
      /--size: 100x100 [^]*--cache-interval: features of image\/unet\+canny \(.*\.onnx\) and video\/tiny\/unet .* cannot be used again, .*; say 1/,
    ],
    [
      'a rate that its format cannot say',
      { fps: '0.005' },
      /--fps: 0\.005 cannot be written: MP4 takes/,
    ],
    [
      'a contact sheet that no PNG holds',
      { size: '4096x4096', frames: '12', stride: '1', 'contact-sheet': 'sheet.png' },
      /--contact-sheet: 3 rows of pictures of 4096x4096 .* too large/,
    ],
  ])('%s', async (_, changes, message) => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('render', '--quiet', ...tinyFlags(place, { output, ...changes }));
    expectOneError(run, message);
    expect(await place.outputs()).toEqual([]);
  });

  it.each(['plan', 'sweep'])('are told by %s: --fast, of models that cannot', async (command) => {
    await using place = await createWorkplace();
    const ratios = command === 'plan' ? {} : { 'mixing-ratio': '0,1', output: place.path('out') };
    const flags = tinyFlags(place, ratios);
    const run = await bivdiff(command, ...flags, '--fast');
    expectOneError(
      run,
      /--fast: features of .*; leave it out, or say a cache interval of 1 beside/,
    );
  });

  it('are one object on stdout with --json', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('render', '--json', ...tinyFlags(place, { output, size: '100x100' }));
    expect(run.code).toBe(2);
    expect(jsonOf(run)).toMatchObject({
      error: { code: 'invalid-argument', message: expect.stringContaining('100x100') as string },
    });
  });
});

describe('a prompt that is longer than the models read', () => {
  it('is rendered, and told of by the words that are cut off: by plan, render, a batch and sweep', async () => {
    await using place = await createWorkplace();
    const prompt = `${'a '.repeat(75)}red square`;
    const flags = tinyFlags(place, { prompt, frames: '2', steps: '1' });
    const plan = await bivdiff('plan', ...flags);
    const told = /^warning: --prompt: the models read 75 tokens of it.* Cut off: red square$/gm;
    expect(plan.stderr.match(told)).toHaveLength(1);
    const output = place.path('out', 'clip.mp4');
    const render = await bivdiff('render', '--quiet', ...flags, '--output', output);
    expect(render.code, render.stderr).toBe(0);
    expect(render.stderr.match(told)).toHaveLength(1);

    const words = ['--mixing-ratio', '0,1', '--output', place.path('sweep')];
    const rest = flags.filter((word, i) => ![word, flags[i - 1]].includes('--mixing-ratio'));
    const sweep = await bivdiff('sweep', '--quiet', ...rest, ...words);
    expect(sweep.code, sweep.stderr).toBe(0);
    expect(sweep.stderr.match(told)).toHaveLength(1);

    const batch = place.path('jobs.jsonl');
    await writeFile(batch, JSON.stringify({ output: place.path('out', 'b.mp4') }));
    const lines = await bivdiff('render', '--quiet', '--batch', batch, ...flags);
    expect(lines.code, lines.stderr).toBe(0);
    expect(lines.stderr).toMatch(/^warning: line 1: --prompt: .* Cut off: red square$/m);
  });
});

describe('a schedule that does not fit', () => {
  const writeConfig = async (models: string, part: string, changes: object): Promise<void> => {
    const image = join(models, 'image/scheduler/scheduler_config.json');
    const config = JSON.parse(await readFile(image, 'utf8')) as object;
    await mkdir(join(models, part), { recursive: true });
    const file = join(models, part, 'scheduler_config.json');
    await writeFile(file, JSON.stringify({ ...config, ...changes }));
  };
  const planned = async (place: Workplace, models: string, ...flags: string[]): Promise<CliRun> => {
    const output = place.path('out', 'clip.mp4');
    return bivdiff('plan', ...tinyFlags(place, { output, models }), ...flags);
  };

  it('to the sampler or the inversion, is refused at once, with each flag and what would do', async () => {
    await using place = await createWorkplace();
    const models = await copyTinyModels(place);
    await writeConfig(models, 'image/scheduler', { prediction_type: 'sample' });
    const flags = ['--scheduler', 'pndm', '--inversion', 'official'];
    const run = await planned(place, models, ...flags);
    expectOneError(run, /--scheduler: sampler pndm cannot run .*"sample".*; choose ddim, .*dpm/);
    expect(run.stderr).toMatch(/--inversion: inversion official cannot run .*; choose ddim/);
    expect((await planned(place, models)).code).toBe(0);
  });

  it('to the image model, keeps a video model out', async () => {
    await using place = await createWorkplace();
    const models = await copyTinyModels(place);
    const part = 'video/tiny/scheduler';
    await writeConfig(models, part, { timestep_spacing: 'trailing', steps_offset: 0 });
    expect((await planned(place, models)).code).toBe(0);
    await writeConfig(models, part, { beta_end: 0.02 });
    const run = await planned(place, models, '--video-model', 'tiny');
    expectOneError(
      run,
      /--video-model: tiny was trained for other noise .*beta_end 0\.02; .*0\.012/,
    );
  });

  it('since it is of another kind of model, is refused with file, key and what to do', async () => {
    await using place = await createWorkplace();
    const models = await copyTinyModels(place);
    const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', num_train_timesteps: 1000 };
    const file = join(models, 'image/scheduler/scheduler_config.json');
    await writeFile(file, JSON.stringify({ ...flow, shift: 3, use_dynamic_shifting: false }));
    const words =
      /image\/scheduler\/scheduler_config\.json: _class_name: "FlowMatchEulerDiscreteScheduler" is of another kind .*; use other models, or correct the file/;
    const run = await planned(place, models);
    expectOneError(run, words);
    const check = await bivdiff('models', 'check', models);
    expect(check.code).toBe(2);
    expect(check.stdout).toMatch(words);
    expect(check.stdout).toMatch(/\n1 problem\n$/);
  });

  it('but is only written as Python writes it, is read', async () => {
    await using place = await createWorkplace();
    const models = await copyTinyModels(place);
    const file = fileURLToPath(
      new URL('../../support/models/scheduler_config-minus-infinity.json', import.meta.url),
    );
    const text = await readFile(file, 'utf8');
    await writeFile(join(models, 'image/scheduler/scheduler_config.json'), `\uFEFF${text}`);
    const output = place.path('out', 'clip.mp4');
    const flags = tinyFlags(place, { output, models, scheduler: 'dpm-solver++' });
    const run = await bivdiff('render', '--quiet', ...flags);
    expect(run.code, run.stderr).toBe(0);
  });
});

describe('models that cannot be used', () => {
  it('lack a file: render and models check name it', async () => {
    await using place = await createWorkplace();
    const models = await copyTinyModels(place);
    await rm(join(models, 'image/vae_encoder.onnx'));
    const output = place.path('out', 'clip.mp4');
    const flags = tinyFlags(place, { output, models });
    expectOneError(await bivdiff('render', '--quiet', ...flags), /vae_encoder.*missing/);
    expect(await place.outputs()).toEqual([]);

    const check = await bivdiff('models', 'check', models);
    expect(check.code).toBe(2);
    expect(check.stdout).toMatch(/problem: image\/vae-encoder: .*vae_encoder.*missing/);
    expect(check.stdout).toContain('hint: ');
  });

  it('have a graph whose inputs do not fit: render and models check name it', async () => {
    await using place = await createWorkplace();
    const models = await copyTinyModels(place);
    const graph = (half: string): string => join(models, `image/vae_${half}.onnx`);
    await copyFile(graph('decoder'), graph('encoder'));
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('render', '--quiet', ...tinyFlags(place, { output, models }));
    expectOneError(run, /image\/vae-encoder is no vae-encoder/);
    expect(await place.outputs()).toEqual([]);

    const check = await bivdiff('models', 'check', models);
    expect(check.code).toBe(2);
    expect(check.stdout).toContain('image/vae-encoder is no vae-encoder');
  });

  it('give NaN', async () => {
    await using place = await createWorkplace();
    const models = await copyTinyModels(place);
    await poisonWeights(join(models, 'image/unet/diffusion_pytorch_model.safetensors'));
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('render', '--quiet', ...tinyFlags(place, { output, models }));
    expectOneError(run, /image\/unet\+canny.*NaN|NaN.*image\/unet\+canny/, 1);
    expect(await place.outputs()).toEqual([]);
  });
});

describe('a store with a damaged artifact', () => {
  it('is found by verify, and healed by the next render', async () => {
    await using place = await createWorkplace();
    const flags = tinyFlags(place, { output: place.path('out', 'clip.mp4') });
    const first = await bivdiff('render', '--json', '--quiet', ...flags);
    const { sha256 } = jsonOf<{ sha256: string }>(first);
    const artifact = place.path('store', 'artifacts', sha256.slice(0, 2), sha256);
    await truncate(artifact, 100);

    const verify = await bivdiff('store', 'verify', '--store', place.path('store'));
    expect(verify.code).toBe(1);
    expect(verify.stdout).toContain(sha256);

    await rm(place.path('out'), { recursive: true });
    const again = await bivdiff('render', '--json', '--quiet', ...flags);
    expect(again.code, again.stderr).toBe(0);
    expect(jsonOf(again)).toMatchObject({ sha256, tasks: { run: 1 } });
  });
});
