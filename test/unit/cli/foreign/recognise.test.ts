// What `bivdiff models check` says of models that are no set. Each case is a small folder or file, laid out as others leave them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { exportCommand } from '../../../../cli/foreign/export-command.ts';
import { recogniseModels } from '../../../../cli/foreign/recognise.ts';
import {
  LFS_POINTER,
  checkpoint,
  imagePipeline,
  model,
  problemsOf,
  tensors,
  videoPipeline,
  without,
  writeTree,
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
const WEIGHTS = tensors({ 'conv_in.weight': [2, 2] });

function index(...parts: readonly string[]): object {
  return { weight_map: Object.fromEntries(parts.map((name) => [`${name}.weight`, name])) };
}

/** The command, without what all have. */
async function commandOf(tree: Tree, at = ''): Promise<string> {
  await writeTree(root, tree);
  const path = join(root, at);
  const { problems, flags } = await recogniseModels(path);
  expect(problems).toEqual([]);
  const { line } = await exportCommand(path, flags);
  return line.replaceAll(`${root}/`, '').replace(/^.* --out (?:'[^']*'|\S+) /, '');
}

describe('models that a set can be made of', () => {
  it.each<[what: string, tree: Tree, at: string, command: string]>([
    [
      'an image pipeline',
      imagePipeline({}, 'sd/'),
      'sd',
      '--image sd --size 512x512 --video video=VIDEO',
    ],
    [
      'one without model_index.json, of 768 pixels',
      without(imagePipeline({ sample_size: 96 }, 'sd/'), 'sd/model_index'),
      'sd',
      '--image sd --size 768x768 --video video=VIDEO',
    ],
    [
      'one of the variant fp16 alone',
      {
        ...without(imagePipeline({}, 'sd/'), `sd/${UNET}`),
        'sd/unet/diffusion_pytorch_model.fp16.safetensors': WEIGHTS,
      },
      'sd',
      '--image sd --size 512x512 --variant fp16 --video video=VIDEO',
    ],
    [
      'one in parts',
      {
        ...without(imagePipeline({}, 'sd/'), `sd/${UNET}`),
        [`sd/${UNET}.index.json`]: index('a.safetensors', 'b.safetensors'),
        'sd/unet/a.safetensors': WEIGHTS,
        'sd/unet/b.safetensors': WEIGHTS,
      },
      'sd',
      '--image sd --size 512x512 --video video=VIDEO',
    ],
    [
      'an inpainting pipeline',
      imagePipeline({ in_channels: 9 }, 'sd/'),
      'sd',
      '--image IMAGE --inpaint sd --video video=VIDEO',
    ],
    [
      'an InstructPix2Pix pipeline',
      imagePipeline({ in_channels: 8 }, 'sd/'),
      'sd',
      '--image IMAGE --instruct sd --video video=VIDEO',
    ],
    [
      'a ControlNet pipeline',
      { ...imagePipeline({}, 'canny/'), ...model('canny/controlnet', 'ControlNetModel') },
      'canny',
      '--image canny --controlnet canny=canny/controlnet --size 512x512 --video video=VIDEO',
    ],
    ['ZeroScope', videoPipeline('zs/'), 'zs', '--image IMAGE --video video=zs'],
    [
      'VidRD',
      { ...imagePipeline({}, 'vidrd/sd21/'), 'vidrd/ModelT2V.pth': 'x' },
      'vidrd',
      '--image IMAGE --video vidrd=vidrd',
    ],
    [
      'an AnimateDiff pipeline',
      { ...imagePipeline({}, 'ad/'), ...model('ad/motion_adapter', 'MotionAdapter') },
      'ad',
      '--image IMAGE --motion-adapter motion=ad/motion_adapter',
    ],
    [
      'a motion adapter',
      model('motion', 'MotionAdapter'),
      'motion',
      '--image IMAGE --motion-adapter motion=motion',
    ],
    [
      'a ControlNet',
      model('control_v11f1p_sd15_depth', 'ControlNetModel'),
      'control_v11f1p_sd15_depth',
      '--image IMAGE --controlnet depth=control_v11f1p_sd15_depth --video video=VIDEO',
    ],
    [
      'a T2I-Adapter',
      model('t2iadapter_sketch', 'T2IAdapter'),
      't2iadapter_sketch',
      '--image IMAGE --t2i-adapter t2iadapter_sketch=t2iadapter_sketch --video video=VIDEO',
    ],
    [
      'the cache of a hub',
      {
        ...imagePipeline({}, 'models--a--b/snapshots/c1/'),
        'models--a--b/blobs/x': '',
        'models--a--b/refs/main': 'c1',
      },
      'models--a--b',
      '--image models--a--b/snapshots/c1 --size 512x512 --video video=VIDEO',
    ],
    [
      'a checkpoint in one file',
      { 'my model.safetensors': checkpoint() },
      'my model.safetensors',
      "--image 'my model.safetensors' --tokenizer TOKENIZER --video video=VIDEO",
    ],
    [
      'one of Stable Diffusion 2',
      { 'v2.safetensors': checkpoint(4, 'cond_stage_model.model.ln_final.weight') },
      'v2.safetensors',
      '--image v2.safetensors --tokenizer TOKENIZER --prediction-type TYPE --video video=VIDEO',
    ],
    [
      'one for inpainting',
      { 'i.safetensors': checkpoint(9) },
      'i.safetensors',
      '--image IMAGE --inpaint i.safetensors --video video=VIDEO',
    ],
    [
      'one for instructions',
      { 'i.safetensors': checkpoint(8) },
      'i.safetensors',
      '--image IMAGE --instruct i.safetensors --video video=VIDEO',
    ],
    [
      'a ControlNet in one file',
      { 'openpose.safetensors': tensors({ 'control_model.input_hint_block.0.weight': [1] }) },
      'openpose.safetensors',
      '--image IMAGE --controlnet pose=openpose.safetensors --video video=VIDEO',
    ],
    [
      'a folder of all that a set needs',
      {
        ...imagePipeline({}, 'all/sd/'),
        ...videoPipeline('all/zs/'),
        'all/canny.safetensors': tensors({ 'input_hint_block.0.weight': [1] }),
        'all/notes.txt': '',
      },
      'all',
      '--controlnet canny=all/canny.safetensors --image all/sd --size 512x512 --video video=all/zs',
    ],
  ])('are recognised: %s', async (_, tree, at, command) => {
    expect(await commandOf(tree, at)).toBe(command);
  });

  it('have their licence from their page', async () => {
    await writeTree(root, {
      'README.md': '---\ntags:\n- a\nlicense: creativeml-openrail-m\n---\n# A\n',
    });
    const { line, open } = await exportCommand(root, ['--image', 'a', '--video', 'b=c']);
    expect(line).toContain('--license creativeml-openrail-m --out');
    expect(open).toEqual([]);
  });
});

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
      'a ControlNet for Stable Diffusion XL',
      model('.', 'ControlNetModel', { addition_embed_type: 'text_time' }),
      [' is for Stable Diffusion XL'],
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
  ])('are told why: %s', async (_, tree, problems) => {
    expect(await problemsOf(root, tree)).toEqual(problems);
  });
});
