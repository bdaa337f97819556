// What `bivdiff models check` says of single files that are no checkpoint a set can be made of.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { recogniseModels } from '../../../../cli/foreign/recognise.ts';
import {
  LFS_POINTER,
  checkpoint,
  problemsOf,
  tensors,
  writeTree,
  xlCheckpoint,
} from './model-tree.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bivdiff-foreign-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

describe('files that no set can be made of', () => {
  const of = (...names: readonly string[]): Buffer =>
    tensors(Object.fromEntries(names.map((name) => [name, [1, 1]])));

  it.each<[name: string, content: Buffer | string, problem: string]>([
    [
      'lora.safetensors',
      of('lora_unet_a.lora_down.weight'),
      'is a LoRA, which changes a model: no set can be made of it',
    ],
    [
      'peft.safetensors',
      of('unet.a.lora_A.weight'),
      'is a LoRA, which changes a model: no set can be made of it',
    ],
    [
      'lycoris.safetensors',
      of('lycoris_a.hada_w1_a'),
      'is a LoRA, which changes a model: no set can be made of it',
    ],
    [
      'refiner.safetensors',
      of('conditioner.embedders.0.model.a', 'model.diffusion_model.label_emb.0.0.weight'),
      "is Stable Diffusion XL's refiner, which goes over what the base model has drawn: no set can be made of it",
    ],
    [
      'xl-inpainting.safetensors',
      xlCheckpoint(9),
      'has a UNet that takes 9 channels: it sees more than noise',
    ],
    [
      'xl-instruct.safetensors',
      xlCheckpoint(8),
      'has a UNet that takes 8 channels: it sees more than noise',
    ],
    [
      'xl-control.safetensors',
      of('control_model.input_hint_block.0.weight', 'control_model.label_emb.0.0.weight'),
      'is a ControlNet of Stable Diffusion XL in one file: no set can be made of it',
    ],
    [
      'unclip.safetensors',
      of('model.diffusion_model.label_emb.0.0.weight', 'cond_stage_model.model.a'),
      'is a model that takes more than a text: no set can be made of it',
    ],
    [
      'svd.safetensors',
      of('model.diffusion_model.input_blocks.1.0.time_stack.a', 'conditioner.embedders.0.a'),
      'is a checkpoint of Stable Video Diffusion, which animates a picture: no set can be made of it',
    ],
    [
      'playground.safetensors',
      of('edm_mean', 'conditioner.embedders.0.a'),
      'is a checkpoint that counts noise as EDM does (Playground 2.5, CosXL): no set can be made of it',
    ],
    [
      'flux.safetensors',
      of('double_blocks.0.a'),
      'is a checkpoint of another architecture than Stable Diffusion 1 and 2: no set can be made of it',
    ],
    [
      'control-lora.safetensors',
      of('lora_controlnet', 'input_hint_block.0.weight'),
      'is a Control-LoRA: no set can be made of it',
    ],
    [
      'mm.safetensors',
      of('down_blocks.0.motion_modules.0.a'),
      "is a motion module in AnimateDiff's own file: no set can be made of it",
    ],
    [
      'adapter.safetensors',
      of('body.0.block1.weight'),
      'is a T2I-Adapter in one file: no set can be made of it',
    ],
    ['ip.safetensors', of('image_proj.a'), 'is an IP-Adapter: no set can be made of it'],
    [
      'embedding.safetensors',
      of('emb_params'),
      'is a textual inversion embedding: no set can be made of it',
    ],
    [
      'part.safetensors',
      of('down_blocks.0.a'),
      "is one model of a pipeline, in diffusers' names: no set can be made of it",
    ],
    ['vae.safetensors', of('encoder.conv_in.weight'), 'is a VAE alone: no set can be made of it'],
    ['text.safetensors', of('text_model.a'), 'is a text encoder alone: no set can be made of it'],
    ['depth.safetensors', checkpoint(5), 'has a UNet that takes 5 channels'],
    [
      'bare.safetensors',
      checkpoint(4, 'x'),
      'has no text encoder: no name begins with cond_stage_model',
    ],
    ['other.safetensors', of('a.weight'), 'has no weights that are known, a.weight say'],
    ['none.safetensors', tensors({}), 'has no weights that are known'],
    ['cut.safetensors', checkpoint().subarray(0, 50), 'is no safetensors file, or was cut off'],
    ['lfs.safetensors', LFS_POINTER, 'is a pointer of Git LFS, not the weights'],
    ['a.ckpt', 'x', 'is a pickle, and reading one could run a program'],
    ['a.gguf', 'x', 'has quantised weights (GGUF)'],
    ['a.onnx', 'x', 'is one graph, and the exporter writes its own'],
  ])('are told why: %s', async (name, content, problem) => {
    expect(await problemsOf(root, { [name]: content }, name)).toEqual([`${name} ${problem}`]);
  });

  it.each([
    ['UNet', 'model.diffusion_model.'],
    ['VAE', 'first_stage_model.'],
    ['text encoder', 'conditioner.embedders.0.transformer.'],
    ['second text encoder', 'conditioner.embedders.1.model.'],
  ])('are told why: a Stable Diffusion XL without its %s', async (part, prefix) => {
    const tree = { 'xl.safetensors': xlCheckpoint(4, prefix) };
    expect(await problemsOf(root, tree, 'xl.safetensors')).toEqual([
      `xl.safetensors has no ${part}: no name begins with ${prefix.slice(0, -1)}`,
    ]);
  });

  it('are told why: two of Stable Diffusion XL in a folder', async () => {
    const tree = { 'a.safetensors': xlCheckpoint(), 'b.safetensors': xlCheckpoint() };
    expect(await problemsOf(root, tree)).toEqual([
      ' holds 2 models of Stable Diffusion XL, and a set has one',
    ]);
  });

  it('are not there: the nearest name is told', async () => {
    await writeTree(root, { 'model.safetensors': checkpoint() });
    const { problems } = await recogniseModels(join(root, 'modle.safetensors'));
    expect(problems).toEqual([
      {
        path: join(root, 'modle.safetensors'),
        problem: 'is not there',
        hint: `Did you mean ${join(root, 'model.safetensors')}?`,
      },
    ]);
  });
});
