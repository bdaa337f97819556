// Goal: what is wrong with a user's models is told before anything is written, all at once, and a set appears whole or not at all. Method: small random
// models, each bent in its own way, and an export that is stopped.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { inMountOfItsOwn } from '../support/conformance/small-disk.ts';
import {
  exporter,
  needPython,
  PYTHON,
  python,
  refusal,
  startExporter,
} from '../support/exporter.ts';

const PICKLE = 'diffusion_pytorch_model.bin';
const FAMILY = 'Take one of the same family (Stable Diffusion 1.5, say).';
const OTHER = 'The weights are of another model than config.json.';
const WEIGHTS = 'diffusion_pytorch_model.safetensors';
// A ControlNet of another family; weights greater than float16 can hold; a pickle that runs a program when it is read.
const BEND = `
import pickle, sys, torch
from pathlib import Path
from diffusers import ControlNetModel, MotionAdapter, UNet2DConditionModel
from safetensors.torch import load_file, save_file
parts = Path(sys.argv[1])
other = UNet2DConditionModel.from_pretrained(parts / "vidrd/stable-diffusion-2-1-base/unet")
ControlNetModel.from_unet(other).save_pretrained(parts / "controlnet-sd2")
wide = UNet2DConditionModel.from_config({**other.config, "block_out_channels": (32, 32, 64, 64), "cross_attention_dim": 48})
ControlNetModel.from_unet(wide).save_pretrained(parts / "controlnet-narrow")
MotionAdapter(block_out_channels=(32, 64)).save_pretrained(parts / "motion-two")
(parts / "greater").mkdir()
adapter = MotionAdapter.from_pretrained(parts / "motion-adapter")
adapter.get_parameter("down_blocks.0.motion_modules.0.proj_in.weight").data[0] = 1e6
adapter.save_pretrained(parts / "greater")
class Runs:
    def __reduce__(self):
        return exec, (f"open({str(parts / 'ran')!r}, 'w')",)
torch.save({"weight": Runs()}, parts / "${PICKLE}")
cut = load_file(parts / "t2iadapter-canny/${WEIGHTS}")
cut.popitem()
save_file(cut, parts / "${WEIGHTS}")
`;

let folder: string;
let parts: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-refusals-'));
  parts = join(folder, 'parts');
  await needPython();
  await exporter('rehearse', parts);
  await python('-c', BEND, parts);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

afterEach(() => {
  // Neither a set nor the folder that it is written into.
  expect(readdirSync(folder)).toEqual(['parts']);
});

const part = (...names: readonly string[]): string => join(parts, ...names);

/** Sound but for the flags, which may give any again. */
function words(...flags: readonly string[]): readonly string[] {
  const named = ['models', '--name', 'rehearsal', '--license', 'none'];
  const models = ['--image', part('image'), '--motion-adapter', `good=${part('motion-adapter')}`];
  return [...named, ...models, '--out', join(folder, 'set'), ...flags];
}

/** A copy of a folder of the rehearsal, to spoil. */
async function copyOf(name: string, as: string): Promise<string> {
  await cp(part(name), part(as), { recursive: true });
  return part(as);
}

async function replaceIn(path: string, old: string, by: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  expect(text).toContain(old);
  await writeFile(path, text.replace(old, by));
}

/** A line says where, what and what to do; this tells the first two. */
function told(stderr: string): readonly string[] {
  return stderr.replaceAll(`${parts}/`, '').trim().split('\n').sort();
}

describe('python -m export models', () => {
  it('tells all that is wrong with the flags and the parts of a pipeline', async () => {
    const image = await copyOf('image', 'bent');
    await rm(join(image, 'tokenizer'), { recursive: true });
    await rm(join(image, 'scheduler/scheduler_config.json'));
    await writeFile(join(image, 'text_encoder/config.json'), '{"architectures": ["CLIPTextModel"');
    await rename(
      join(image, 'vae', WEIGHTS),
      join(image, 'vae/diffusion_pytorch_model.fp16.safetensors'),
    );
    const flags = [
      ...['--image', image, '--out', parts, '--size', '500x500', '--window', '0', '--fuse', 'a+b'],
      ...['--inpaint', part('image'), '--instruct', part('imag'), '--controlnet', 'canny'],
      ...['--t2i-adapter', `a=${part('image')}`, '--t2i-adapter', `a=${part('image')}`],
      ...['--annotator', `depth=${part('annotators/pose.onyx')}`, '--annotator', `canny=x.onnx`],
    ];
    const { code, stderr } = await refusal(...words(...flags));
    expect(told(stderr)).toEqual([
      '--annotator canny=x.onnx: canny is no kind of them. Give depth or pose.',
      '--annotator depth=annotators/pose.onyx: there is no such file. Did you mean annotators/pose.onnx?',
      '--controlnet canny: is not NAME=PATH. NAME begins with a letter or digit; letters, digits and any of . _ - follow.',
      "--fuse a+b: names no ControlNets that can be fused. Give two or more different names of --controlnet, joined by '+': none.",
      '--image bent/scheduler: has no scheduler_config.json. Copy the folder again.',
      '--image bent/text_encoder: config.json is no JSON object. Copy the folder again.',
      '--image bent/tokenizer: there is no such folder. bent is there, and has no tokenizer.',
      '--image bent/vae: has weights of the variant fp16 alone. Give --variant fp16.',
      '--inpaint image/unet: takes 4 channels, not 9. It sees noise alone: give it by --image.',
      '--instruct imag: there is no such folder. Did you mean image?',
      `--out ${parts}: is there already. Give another, or delete it.`,
      '--size 500x500: is no width and height in multiples of 64. Give one as 512x512.',
      `--t2i-adapter a=image: a is given twice. Give each its own name.`,
      '--t2i-adapter a=image: has no config.json. It holds several models: give the folder of one.',
      '--window 0: is less than a frame. Give 1 or more.',
    ]);
    expect(code).toBe(2);
  });

  it('tells all models that are broken, or do not fit the image model', async () => {
    const spoilt = await copyOf('controlnet-canny', 'spoilt');
    await truncate(join(spoilt, WEIGHTS), 50_000);
    const pointer = await copyOf('controlnet-canny', 'pointer');
    await writeFile(join(pointer, WEIGHTS), 'version https://git-lfs.github.com/spec/v1\nsize 4\n');
    const half = await copyOf('t2iadapter-canny', 'half');
    await rename(part(WEIGHTS), join(half, WEIGHTS));
    const running = await copyOf('t2iadapter-canny', 'running');
    await rm(join(running, WEIGHTS));
    await rename(part(PICKLE), join(running, PICKLE));
    const xl = await copyOf('t2iadapter-canny', 'xl');
    await replaceIn(join(xl, 'config.json'), '"full_adapter"', '"full_adapter_xl"');
    const indexed = await copyOf('controlnet-canny', 'indexed');
    await rm(join(indexed, WEIGHTS));
    await writeFile(
      join(indexed, `${WEIGHTS}.index.json`),
      '{"weight_map": {"a": "b.safetensors"}}',
    );
    await truncate(part('vidrd/ModelT2V.pth'), 5_000);
    await replaceIn(
      part('video/unet/config.json'),
      '"layers_per_block": 2',
      '"layers_per_block": 3',
    );
    const controlnets = ['sd2', 'narrow'].flatMap((name) => [
      '--controlnet',
      `${name}=${part(`controlnet-${name}`)}`,
    ]);
    const { code, stderr } = await refusal(
      ...words(
        ...controlnets,
        '--controlnet',
        `spoilt=${spoilt}`,
        '--controlnet',
        `lfs=${pointer}`,
      ),
      ...['--controlnet', `indexed=${indexed}`, '--controlnet', `adapter=${half}`],
      ...['--t2i-adapter', `half=${half}`, '--t2i-adapter', `running=${running}`],
      ...['--t2i-adapter', `xl=${xl}`, '--t2i-adapter', `net=${part('controlnet-depth')}`],
      ...['--video', `vidrd=${part('vidrd')}`, '--video', `zeroscope=${part('video')}`],
      ...['--video', `good=${part('annotators')}`, '--motion-adapter', `two=${part('motion-two')}`],
    );
    expect(told(stderr)).toEqual([
      '--controlnet adapter=half: config.json is of T2IAdapter, not ControlNetModel. Give it by --t2i-adapter.',
      '--controlnet indexed=indexed: diffusion_pytorch_model.safetensors.index.json names b.safetensors, which is not there (missing: 1 of 1). Copy the missing files there.',
      '--controlnet lfs=pointer: diffusion_pytorch_model.safetensors is a pointer of Git LFS, not the weights. Run `git lfs pull` in its repository, or download the file.',
      `--controlnet narrow=controlnet-narrow: does not fit the image model: block_out_channels [32, 32, 64, 64] (the image UNet [32, 64, 64, 64]). ${FAMILY}`,
      `--controlnet sd2=controlnet-sd2: does not fit the image model: cross_attention_dim 64 (the image UNet 48). ${FAMILY}`,
      '--controlnet spoilt=spoilt: diffusion_pytorch_model.safetensors has 50000 bytes, and says that it has 7050104. It was cut off: copy it again.',
      '--motion-adapter good=motion-adapter: good is a video model already. Give each its own name.',
      `--motion-adapter two=motion-two: does not fit the image model: block_out_channels [32, 64] (the image UNet [32, 64, 64, 64]). ${FAMILY}`,
      `--t2i-adapter half=half: 1 of 36 weights are missing, adapter.conv_in.weight say. ${OTHER}`,
      '--t2i-adapter net=controlnet-depth: config.json is of ControlNetModel, not T2IAdapter. Give it by --controlnet.',
      '--t2i-adapter running=running: diffusion_pytorch_model.bin holds more than tensors, so that reading it could run a program. Get the model as safetensors.',
      '--t2i-adapter xl=xl: is an adapter for Stable Diffusion XL. Take one for Stable Diffusion 1 or 2.',
      "--video good=annotators: is no video model that is known. Give a motion adapter (config.json), a pipeline as ZeroScope's (unet/config.json), or VidRD's ModelT2V.pth beside one folder of Stable Diffusion 2.1.",
      '--video vidrd=vidrd/ModelT2V.pth: ModelT2V.pth cannot be read. It was cut off, or was not written by torch: copy it again.',
      `--video zeroscope=video/unet: 528 of 2006 weights are missing, down_blocks.0.resnets.2.norm1.weight say. ${OTHER}`,
    ]);
    expect(code).toBe(2);
    expect(existsSync(part('ran'))).toBe(false);
  });

  it('writes nothing if a weight is greater than the stored type can hold', async () => {
    const { code, stderr } = await refusal(
      ...words('--motion-adapter', `greater=${part('greater')}`),
    );
    expect(told(stderr)).toEqual([
      'greater: down_blocks.0.motion_modules.0.proj_in.weight is not finite as float16. Give --dtype fp32.',
    ]);
    expect(code).toBe(2);
  });

  it('leaves nothing, and says why, when the disk is full', async () => {
    const small = part('small');
    await mkdir(small);
    // Less than the UNet has.
    const mount = await inMountOfItsOwn(`mount -t tmpfs -o size=4m tmpfs '${small}'`);
    const [command, ...others] = [...mount, 'sh', '-c', '"$@"; echo "$?" "$(ls -A \"$0\")"'];
    const script = [small, PYTHON, '-m', 'export', ...words('--out', join(small, 'set'))];
    const options = { cwd: join(import.meta.dirname, '../../models') };
    const { stdout, stderr } = await promisify(execFile)(command, [...others, ...script], options);
    // The exit code, and what is left.
    expect(stdout.split('\n').at(-2)).toBe('1 ');
    expect(stderr).toMatch(/^--out .*small\/set: could not be written: .*No space left on device/m);
    expect(stderr).not.toContain('Traceback');
  });

  it('leaves nothing when it is stopped', async () => {
    const running = startExporter(...words());
    while (readdirSync(folder).length < 2) {
      expect(running.exitCode).toBeNull();
      await setTimeout(50);
    }
    running.kill('SIGTERM');
    const code = await new Promise((resolve) => running.once('exit', resolve));
    expect(code).toBe(143);
  });
});
