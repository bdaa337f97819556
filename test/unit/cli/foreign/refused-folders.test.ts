// Why no set can be made of a folder. Each case is a small one, laid out as others leave them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  LFS_POINTER,
  WEIGHTS,
  imagePipeline,
  index,
  model,
  problemsOf,
  videoPipeline,
  without,
  xlPipeline,
} from './model-tree.ts';
import type { Tree } from './model-tree.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bivdiff-foreign-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

const SD = imagePipeline();
const UNET = 'unet/diffusion_pytorch_model.safetensors';

describe('folders that no set can be made of', () => {
  it.each<[what: string, tree: Tree, problems: readonly string[]]>([
    [
      'a set without its card',
      { 'image/vae_encoder.onnx': 'x', ...model('image/unet', 'UNet2DConditionModel') },
      [' has no card.json'],
    ],
    ['empty but for a note', { 'notes.txt': '' }, [' holds nothing that is known as a model']],
    [
      'an index that is no JSON',
      { 'model_index.json': '{' },
      ['model_index.json is no JSON object'],
    ],
    [
      'an index that is a list',
      { 'model_index.json': [1] },
      ['model_index.json is no JSON object'],
    ],
    ['no UNet', without(SD, 'unet/'), ['unet is missing']],
    ['no config of the UNet', without(SD, 'unet/config'), ['unet/config.json is missing']],
    ['no text encoder', without(SD, 'text_encoder/'), ['text_encoder is missing']],
    ['no VAE', without(SD, 'vae/'), ['vae is missing']],
    ['no tokenizer', without(SD, 'tokenizer/'), ['tokenizer is missing']],
    [
      'half a tokenizer',
      without(SD, 'tokenizer/merges'),
      ['tokenizer has neither tokenizer.json nor both vocab.json and merges.txt'],
    ],
    ['no scheduler', without(SD, 'scheduler/'), ['scheduler is missing']],
    [
      'a scheduler without config',
      { ...without(SD, 'scheduler/'), 'scheduler/x': '' },
      ['scheduler/scheduler_config.json is missing'],
    ],
    [
      'several of these',
      without(SD, 'vae/', 'tokenizer/', UNET),
      ['unet has no weights', 'vae is missing', 'tokenizer is missing'],
    ],
    [
      'a pointer to weights',
      { ...SD, [UNET]: LFS_POINTER },
      [`${UNET} is a pointer of Git LFS, not the weights`],
    ],
    ['empty weights', { ...SD, [UNET]: '' }, [`${UNET} is empty`]],
    [
      'weights cut in the header',
      { ...SD, [UNET]: WEIGHTS.subarray(0, 20) },
      [`${UNET} is no safetensors file, or was cut off`],
    ],
    [
      'weights cut in the data',
      { ...SD, [UNET]: WEIGHTS.subarray(0, -1) },
      [
        `${UNET} was cut off: it has ${String(WEIGHTS.length - 1)} bytes of ${String(WEIGHTS.length)}`,
      ],
    ],
    [
      'weights that are a page',
      { ...SD, [UNET]: '<!doctype html>' },
      [`${UNET} is no safetensors file, or was cut off`],
    ],
    [
      'a part that is missing',
      {
        ...without(SD, UNET),
        [`${UNET}.index.json`]: index('a.safetensors', 'b.safetensors'),
        'unet/a.safetensors': WEIGHTS,
      },
      [`${UNET}.index.json names b.safetensors, which is not there (missing: 1 of 2)`],
    ],
    [
      'an index of parts that is none',
      { ...without(SD, UNET), [`${UNET}.index.json`]: {} },
      [`${UNET}.index.json is no index of weights, or was cut off`],
    ],
    [
      'weights for Flax alone',
      { ...without(SD, UNET), 'unet/diffusion_flax_model.msgpack': 'x' },
      ['unet has weights for Flax alone'],
    ],
    [
      'a VAE of another class',
      { ...SD, ...model('vae', 'AutoencoderTiny') },
      ['vae/config.json is of AutoencoderTiny, not of AutoencoderKL'],
    ],
    [
      'a UNet that sees depth',
      imagePipeline({ in_channels: 5 }),
      ['unet/config.json takes 5 channels'],
    ],
    [
      'Stable Diffusion XL',
      { ...SD, 'text_encoder_2/config.json': {} },
      [' is of Stable Diffusion XL, or of another model that takes more than a text'],
    ],
    [
      'a UNet of Stable Diffusion XL',
      imagePipeline({ addition_embed_type: 'text_time' }),
      [' is of Stable Diffusion XL, or of another model that takes more than a text'],
    ],
    [
      'a transformer',
      { ...without(SD, 'unet/'), ...model('transformer', 'FluxTransformer2DModel') },
      [' has a transformer where Stable Diffusion 1 and 2 have a UNet'],
    ],
    [
      'a video model that sees a picture',
      { ...videoPipeline(), ...model('unet', 'UNet3DConditionModel', { in_channels: 8 }) },
      ['unet/config.json takes 8 channels: it sees more than noise'],
    ],
    [
      'motion modules inside the UNet',
      { ...SD, ...model('unet', 'UNetMotionModel') },
      [' has a UNet with motion modules inside, and no motion_adapter folder'],
    ],
    [
      "optimum's graphs",
      { ...without(SD, UNET), 'unet/model.onnx': 'x', 'vae_decoder/model.onnx': 'x' },
      [' is an ONNX pipeline in the layout of optimum, without the weights'],
    ],
    [
      "the old script's graphs",
      {
        'model_index.json': { _class_name: 'OnnxStableDiffusionPipeline' },
        'unet/model.onnx': 'x',
        'unet/weights.pb': 'x',
      },
      [" is an ONNX pipeline of diffusers' old script, without the weights"],
    ],
    [
      "OpenVINO's graphs",
      { 'model_index.json': {}, 'unet/openvino_model.xml': 'x' },
      [' is an OpenVINO pipeline, without the weights'],
    ],
    [
      "Core ML's graphs",
      { 'Unet.mlpackage/x': '' },
      [' is a Core ML pipeline, without the weights'],
    ],
    ['a UNet alone', { ...model('.', 'UNet2DConditionModel') }, [' is one model of several']],
    ['a config of no class', { 'config.json': {} }, ['config.json is of no class that it names']],
    [
      'another kind of model',
      { ...model('.', 'PriorTransformer') },
      ['config.json is of PriorTransformer'],
    ],
    [
      'a Stable Diffusion XL that sees more than noise',
      xlPipeline({ in_channels: 9 }),
      [' is of Stable Diffusion XL, or of another model that takes more than a text'],
    ],
    [
      'a Stable Diffusion XL without its second tokenizer',
      without(xlPipeline(), 'tokenizer_2/'),
      ['tokenizer_2 is missing'],
    ],
    [
      'a ControlNet without weights',
      { 'config.json': { _class_name: 'ControlNetModel' } },
      [' has no weights'],
    ],
    [
      'an adapter for Stable Diffusion XL',
      model('.', 'T2IAdapter', { adapter_type: 'full_adapter_xl' }),
      [' is for Stable Diffusion XL'],
    ],
    [
      'a motion adapter that wants a picture',
      model('.', 'MotionAdapter', { conv_in_channels: 4 }),
      [' wants a picture beside the noise'],
    ],
    [
      'a cache of two commits',
      { 'blobs/x': '', 'snapshots/a/x': '', 'snapshots/b/x': '' },
      [' is a cache of the hub with 2 commits'],
    ],
    [
      'two image models',
      { ...imagePipeline({}, 'a/'), ...imagePipeline({}, 'b/') },
      [' holds 2 image models, and a set has one'],
    ],
    [
      'ControlNets of two families',
      {
        ...model('canny', 'ControlNetModel'),
        ...model('depth-xl', 'ControlNetModel', { addition_embed_type: 'text_time' }),
      },
      [
        ' holds Stable Diffusion XL or a ControlNet of it beside ControlNets of an image model (canny), and those of a set are of one family',
      ],
    ],
    [
      'a ControlNet of an image model beside Stable Diffusion XL',
      { ...model('canny', 'ControlNetModel'), ...xlPipeline({}, 'xl/') },
      [
        ' holds Stable Diffusion XL or a ControlNet of it beside ControlNets of an image model (canny), and those of a set are of one family',
      ],
    ],
    [
      'two of one name',
      { ...model('canny-a', 'ControlNetModel'), ...model('canny-b', 'ControlNetModel') },
      [' holds 2 models that `--controlnet canny=PATH` would name: canny-a, canny-b'],
    ],
  ])('are told why: %s', async (_, tree, problems) => {
    expect(await problemsOf(root, tree)).toEqual(problems);
  });
});
