// Goal: checkpoints in a single file are exported as their diffusers folders are, and what is none is refused with its reason. Method: small random models,
// each as a folder and as a file under the names of the original code (models/export/single_file/original_names.py, written apart from what reads them):
// graphs and stored weights have to be the same to the byte. And files of other kinds, by the names of weights that those have.

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../support/cli-process.ts';
import { exporter, needPython, python, refusal } from '../support/exporter.ts';

// Each a file of a few tensors, named NAME.safetensors: what tells its kind.
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  xl: ['model.diffusion_model.label_emb.0.0.weight', 'conditioner.embedders.0.x'],
  flux: ['model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale'],
  lora: ['lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight'],
  'lora-of-peft': ['unet.down_blocks.0.attentions.0.proj_in.lora_A.weight'],
  'control-lora': ['lora_controlnet', 'input_hint_block.0.weight'],
  motion: ['down_blocks.0.motion_modules.0.temporal_transformer.norm.bias'],
  adapter: ['body.0.block1.weight'],
  'ip-adapter': ['ip_adapter.1.to_k_ip.weight', 'image_proj.proj.weight'],
  embedding: ['emb_params'],
  unet: ['down_blocks.0.resnets.0.conv1.weight', 'conv_in.weight'],
  vae: ['encoder.conv_in.weight', 'decoder.conv_in.weight'],
  text: ['text_model.embeddings.token_embedding.weight'],
  nothing: ['a.weight'],
  'unet-alone': ['model.diffusion_model.input_blocks.0.0.weight'],
};

// And a checkpoint that lost weights, one of 8-bit weights, one that was cut, a pickle, and one that says itself what it predicts.
const WRITE_OTHERS = `
import json, sys, torch
from pathlib import Path
from safetensors.torch import load_file, save_file
out = Path(sys.argv[1])
for name, keys in json.loads(sys.argv[2]).items():
    save_file({key: torch.zeros(4, 4, 1, 1) for key in keys}, out / f"{name}.safetensors")
whole = load_file(out / "sd1.safetensors")
save_file({k: v for k, v in whole.items() if "middle_block" not in k}, out / "lost.safetensors")
eight = torch.float8_e4m3fn
save_file({k: v.to(eight) if k.startswith("model.d") else v for k, v in whole.items()}, out / "eight.safetensors")
(out / "cut.safetensors").write_bytes((out / "sd1.safetensors").read_bytes()[:100_000])
torch.save(whole, out / "pickle.ckpt")
save_file(load_file(out / "sd2.safetensors"), out / "says.safetensors", metadata={"modelspec.prediction_type": "v"})
`;

const UNKNOWN =
  'It is of another architecture than Stable Diffusion 1 and 2, or was not saved whole.';
const WHOLE = 'Give a checkpoint that has UNet, VAE and text encoder.';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-single-'));
  await needPython();
  await exporter('rehearse', folder, '--form', 'single');
  await python('-c', WRITE_OTHERS, folder, JSON.stringify(OTHERS));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const at = (...names: readonly string[]): string => join(folder, ...names);

function words(family: string, out: string, ...flags: readonly string[]): string[] {
  const named = ['models', '--name', 'rehearsal', '--license', 'none', '--size', '128x128'];
  return [...named, '--motion-adapter', `a=${at(`motion-${family}`)}`, '--out', at(out), ...flags];
}

/** Digests of a set's graphs and stored weights. */
function digests(set: string): Record<string, string> {
  const paths = globSync('**/*.{onnx,safetensors}', { cwd: at(set) }).sort();
  const digest = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(at(set, path)))
      .digest('hex');
  return Object.fromEntries(paths.map((path) => [path, digest(path)]));
}

/** What is refused of a command that is sound but for these flags. */
async function told(...flags: readonly string[]): Promise<readonly string[]> {
  const sound = ['--image', at('sd1.safetensors'), '--tokenizer', at('sd1/tokenizer')];
  const { code, stderr } = await refusal(...words('sd1', 'refused', ...sound, ...flags));
  expect(code, stderr).toBe(2);
  return stderr.replaceAll(`${folder}/`, '').trim().split('\n');
}

async function predictionOf(set: string): Promise<unknown> {
  const path = at(set, 'image/scheduler/scheduler_config.json');
  return (JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)['prediction_type'];
}

describe('checkpoints in a single file', () => {
  it('of Stable Diffusion 1, with 4, 8 and 9 channels and ControlNets, are what their folders are', async () => {
    const models = (ending: string): string[] => [
      ...['--inpaint', at(`inpaint${ending}`), '--instruct', at(`instruct${ending}`)],
      ...['--controlnet', `canny=${at(`controlnet-canny${ending}`)}`],
      ...['--controlnet', `depth=${at(`controlnet-depth${ending}`)}`],
    ];
    const file = ['--image', at('sd1.safetensors'), '--tokenizer', at('sd1/tokenizer')];
    const written = await exporter(...words('sd1', 'set-file', ...file, ...models('.safetensors')));
    const parts = written.trim().split('\n');
    expect(parts.pop()).toMatch(
      /^12 of 12 parts: [\d.]+ s, [\d.]+ MiB, peak memory \d+ MiB, [\d.]+ of the largest model in float32$/,
    );
    expect(parts).toHaveLength(12);
    for (const part of parts) expect(part).toMatch(/^[\w, -]+: [\d.]+ s, [\d.]+ MiB$/);
    await exporter(...words('sd1', 'set-folder', '--image', at('sd1'), ...models('')));
    expect(Object.keys(digests('set-file')).filter((path) => path.endsWith('.onnx'))).toHaveLength(
      13,
    );
    expect(digests('set-file')).toEqual(digests('set-folder'));
    expect(await predictionOf('set-file')).toBe('epsilon');
  });

  it('of Stable Diffusion 2 too, and can be rendered with', async () => {
    const file = ['--image', at('says.safetensors'), '--tokenizer', at('sd2/tokenizer')];
    await exporter(...words('sd2', 'set2-file', ...file));
    await exporter(...words('sd2', 'set2-folder', '--image', at('sd2')));
    expect(digests('set2-file')).toEqual(digests('set2-folder'));
    expect(await predictionOf('set2-file')).toBe('v_prediction');
    const source = join(import.meta.dirname, '../../examples/source.mp4');
    const flags = ['--task', 'frames', '--input', source, '--frames', '8', '--steps', '2'];
    const ended = await endOfCli(
      startCli(
        ['render', '--quiet', '--models', at('set2-file'), '--store', at('store'), ...flags].concat(
          ['--prompt', 'a red star', '--output', at('clip.mp4')],
        ),
      ),
    );
    expect(ended.code, ended.stderr).toBe(0);
  });

  it('of other kinds are refused, each with its reason', async () => {
    const names = [...Object.keys(OTHERS), 'lost', 'cut', 'flix'];
    const nets = names.map((name) => ['--controlnet', `${name}=${at(`${name}.safetensors`)}`]);
    const first = 'Such are not exported: take Stable Diffusion 1 or 2.';
    const given = await told(...nets.flat());
    expect(given.map((line) => line.replace(/^--controlnet (\S+)=\S+: /, '$1: '))).toEqual([
      'xl: is of Stable Diffusion XL, which draws beside an image model. Give it by --xl.',
      `flux: is of another architecture than Stable Diffusion 1 and 2 (Stable Diffusion 3, Flux ...). ${first}`,
      'lora: is a LoRA, which changes a model and is none. Merge it into a checkpoint first, and give that.',
      'lora-of-peft: is a LoRA, which changes a model and is none. Merge it into a checkpoint first, and give that.',
      'control-lora: is a Control-LoRA, which changes a UNet and is no ControlNet. Give a ControlNet.',
      "motion: is a motion module. Give its folder in diffusers' layout by --motion-adapter.",
      "adapter: is a T2I-Adapter. Give its folder in diffusers' layout by --t2i-adapter.",
      'ip-adapter: is an IP-Adapter, which is not exported. Leave it away.',
      'embedding: is a textual inversion embedding, words for a model and none. Leave it away.',
      "unet: has diffusers' names of weights. Give the folder that it was in, with the config.json of each model.",
      'vae: is a VAE alone. Give a ControlNet.',
      'text: is a text encoder alone. Give a ControlNet.',
      'nothing: has no weights that are known, a.weight say. Give a ControlNet.',
      'unet-alone: is a checkpoint without a ControlNet. Give it by --image.',
      'lost: is a checkpoint without a ControlNet. Give it by --image.',
      'cut: cut.safetensors cannot be read. It is no safetensors file, or was cut off: copy it again.',
      'flix: there is no such file. Did you mean flux.safetensors?',
    ]);
  });

  it.each([
    [
      [
        '--image',
        './lost.safetensors',
        '--inpaint',
        './eight.safetensors',
        '--instruct',
        './pickle.ckpt',
      ],
      [
        `--image lost.safetensors: 46 of 684 weights of its UNet are missing, or of other shapes, mid_block.attentions.0.norm.weight say. ${UNKNOWN}`,
        '--inpaint eight.safetensors: has weights of its UNet as F8_E4M3, of which scales may lie elsewhere. Get the model as float16, bfloat16 or float32.',
        '--instruct pickle.ckpt: is a pickle, and reading one could run a program. Get the model as .safetensors.',
      ],
    ],
    [
      [
        '--image',
        './sd2.safetensors',
        '--tokenizer',
        './sd2',
        '--inpaint',
        './instruct.safetensors',
        '--instruct',
        './vae.safetensors',
      ],
      [
        '--prediction-type: is missing: models of Stable Diffusion 2 have one or the other, and the file does not say. Give v_prediction for one of 768 pixels (768-v), epsilon for one of 512 (base).',
        '--tokenizer sd2: has neither tokenizer.json nor both vocab.json and merges.txt. Did you mean sd2/tokenizer?',
        '--inpaint instruct.safetensors: takes 8 channels, not 9. It sees a picture to edit: give it by --instruct.',
        `--instruct vae.safetensors: is a VAE alone. ${WHOLE}`,
        '--motion-adapter a=motion-sd1: does not fit the image model: block_out_channels [32, 64, 64, 64] (the image UNet [64, 128, 128, 128]). Take one of the same family (Stable Diffusion 1.5, say).',
      ],
    ],
    [
      ['--image', './unet-alone.safetensors', '--inpaint', './controlnet-canny.safetensors'],
      [
        `--image unet-alone.safetensors: has a UNet of no kind that is known: it has no model.diffusion_model.input_blocks.3.0.op.weight. ${UNKNOWN}`,
        `--image unet-alone.safetensors: has no text encoder: no name begins with cond_stage_model.transformer. ${WHOLE}`,
        `--image unet-alone.safetensors: has no VAE: no name begins with first_stage_model. ${WHOLE}`,
        '--inpaint controlnet-canny.safetensors: is a ControlNet. Give it by --controlnet.',
      ],
    ],
    [
      ['--image', './sd1', '--prediction-type', 'epsilon'],
      [
        '--tokenizer sd1/tokenizer: is for an --image that is a single file. The folder of --image has its own: leave the flag away.',
        '--prediction-type epsilon: is for an --image that is a single file. The folder of --image has its own: leave the flag away.',
      ],
    ],
  ])('that lack a part or fit no flag are refused: %j', async (flags, lines) => {
    const given = flags.map((word) => (word.startsWith('./') ? at(word) : word));
    expect(await told(...given)).toEqual(lines);
  });

  it('need a tokenizer', async () => {
    const { code, stderr } = await refusal(
      ...words('sd1', 'refused', '--image', at('sd1.safetensors')),
    );
    expect(stderr).toBe(
      '--tokenizer: is missing. A single file has none: give by --tokenizer the `tokenizer` folder of any download of the same family (vocab.json and merges.txt; Stable Diffusion 1 has that of openai/clip-vit-large-patch14).\n',
    );
    expect(code).toBe(2);
  });
});
