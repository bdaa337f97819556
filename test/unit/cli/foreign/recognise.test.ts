// What `bivdiff models check` says of models that are no set. Each case is a small folder or file, laid out as others leave them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { exportCommand } from '../../../../cli/foreign/export-command.ts';
import { recogniseModels } from '../../../../cli/foreign/recognise.ts';
import {
  WEIGHTS,
  checkpoint,
  imagePipeline,
  index,
  model,
  tensors,
  videoPipeline,
  without,
  writeTree,
  xlCheckpoint,
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

const UNET = 'unet/diffusion_pytorch_model.safetensors';

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
    [
      'Stable Diffusion XL, which draws for ControlNets beside an image model',
      xlPipeline({}, 'xl/'),
      'xl',
      '--image IMAGE --xl xl --controlnet canny=CONTROLNET --video video=VIDEO',
    ],
    [
      'a checkpoint of it in one file',
      { 'xl.safetensors': xlCheckpoint() },
      'xl.safetensors',
      '--image IMAGE --xl xl.safetensors --xl-tokenizer XL_TOKENIZER --controlnet canny=CONTROLNET --video video=VIDEO',
    ],
    [
      'that, beside a ControlNet of it',
      {
        'all/xl.safetensors': xlCheckpoint(),
        ...model('all/depth-xl', 'ControlNetModel', { addition_embed_type: 'text_time' }),
      },
      'all',
      '--image IMAGE --controlnet depth=all/depth-xl --xl all/xl.safetensors --xl-tokenizer XL_TOKENIZER --video video=VIDEO',
    ],
    [
      'a ControlNet of it',
      model('controlnet-canny-sdxl', 'ControlNetModel', { addition_embed_type: 'text_time' }),
      'controlnet-canny-sdxl',
      '--image IMAGE --controlnet canny=controlnet-canny-sdxl --xl XL --video video=VIDEO',
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
