// Goal: Stable Diffusion XL draws frames along controls as the diffusers pipeline does. Method: small random models that are laid out and named as its
// pipeline and a ControlNet of it are; export, check against torch, 50 steps beside StableDiffusionXLControlNetPipeline (and three mistakes that it tells),
// models check, render. Needs a Python with models/requirements.txt: $BIVDIFF_PYTHON, else python3.

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../support/cli-process.ts';
import { checkedGraphs, exporter, needPython, python, refusal } from '../support/exporter.ts';

const SOURCE = join(import.meta.dirname, '../../examples/source.mp4');
const FAMILY = 'Take one of the same family (Stable Diffusion 1.5, say).';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-xl-'));
  await needPython();
  await exporter('rehearse', folder);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const part = (name: string): string => join(folder, name);
const words = (...flags: readonly string[]): readonly string[] => [
  ...['models', '--name', 'xl', '--license', 'none', '--out', part('set'), '--size', '128x128'],
  ...['--video', `zeroscope=${part('video')}`, ...flags],
];
const net = (): readonly string[] => ['--controlnet', `canny=${part('controlnet-xl-canny')}`];

describe('Stable Diffusion XL', () => {
  it('is told apart where it does not fit', async () => {
    const half = part('half');
    await cp(part('xl'), half, { recursive: true });
    await rm(join(half, 'text_encoder_2'), { recursive: true });
    const lines = async (...flags: readonly string[]): Promise<readonly string[]> => {
      const { code, stderr } = await refusal(...words(...flags));
      expect(code).toBe(2);
      return stderr.replaceAll(`${folder}/`, '').trim().split('\n').sort();
    };
    expect(await lines('--image', part('xl'))).toEqual([
      '--image xl/unet: takes more than a text (addition_embed_type text_time). Stable Diffusion 1 or 2 goes here; Stable Diffusion XL draws beside it: give that by --xl.',
    ]);
    expect(await lines('--image', part('image'), '--xl', part('image'), ...net())).toEqual([
      '--xl image/text_encoder_2: there is no such folder. Did you mean image/text_encoder?',
      '--xl image/tokenizer_2: there is no such folder. Did you mean image/tokenizer?',
      "--xl image/unet: is of another kind (addition_embed_type None, in_channels 4, not text_time and 4). Take Stable Diffusion XL's base model, or one made of it.",
    ]);
    expect(await lines('--image', part('image'), '--xl', half)).toEqual([
      '--xl half/text_encoder_2: there is no such folder. Did you mean half/text_encoder?',
      '--xl half: ControlNets draw with it, and there is none. Give one for Stable Diffusion XL by --controlnet.',
    ]);
    const first = `canny=${part('controlnet-canny')}`;
    const [misfit] = await lines(
      '--image',
      part('image'),
      '--xl',
      part('xl'),
      '--controlnet',
      first,
    );
    expect(misfit).toMatch(/^--controlnet canny=controlnet-canny: does not fit the image model: /);
    expect(misfit).toContain(`addition_embed_type None (the image UNet text_time). ${FAMILY}`);
  });

  it('draws as the diffusers pipeline does, and renders', async () => {
    const set = part('set');
    const flags = ['--image', part('image'), '--xl', part('xl'), ...net(), '--dtype', 'fp32'];
    await exporter(...words(...flags));
    const checked = await checkedGraphs(set);
    const names = checked.map(({ graph }) => graph).filter((graph) => graph.includes('/xl/'));
    expect(names.sort()).toEqual([
      'image/xl/text_encoders/model.onnx',
      'image/xl/unet_controlnet-canny.onnx',
      'image/xl/vae_decoder.onnx',
      'image/xl/vae_encoder.onnx',
    ]);
    for (const { graph, share } of checked) expect(share, graph).toBeLessThan(1e-4);

    const beside = [
      '-m',
      'parity.stable_diffusion_xl',
      part('xl'),
      part('controlnet-xl-canny'),
      set,
    ];
    expect(await python(...beside)).toContain('50 steps: differ by at most');
    for (const mistake of ['whole', 'padding', 'sizes']) {
      const failed = python(...beside, '--steps', '10', '--mistake', mistake);
      await expect(failed, mistake).rejects.toMatchObject({ code: 1, stdout: /differ by at most/ });
    }

    const recognised = await endOfCli(startCli(['models', 'check', part('xl')]));
    expect(recognised.stdout).toContain(`--xl ${part('xl')} --controlnet canny=CONTROLNET`);
    const sound = await endOfCli(startCli(['models', 'check', set]));
    expect(sound.stdout).toMatch(/\nall sound\n$/);
    const render = ['render', '--models', set, '--task', 'controlnet', '--control', 'canny'];
    render.push('--input', SOURCE, '--prompt', 'a red star', '--frames', '4', '--steps', '2');
    render.push('--store', part('store'), '--output', part('clip.mp4'), '--quiet');
    const ended = await endOfCli(startCli(render));
    expect(ended.code, ended.stderr).toBe(0);
  });
});
