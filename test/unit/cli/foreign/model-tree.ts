// Writes folders of models as others leave them, small: configs that say the class, safetensors headers with names and no more data than they say.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

import { recogniseModels } from '../../../../cli/foreign/recognise.ts';

/** What a file holds; an object is written as JSON. A folder is there if a file in it is. */
export type Tree = Readonly<Record<string, string | Buffer | object>>;

/** What a clone without Git LFS has in the place of weights. */
export const LFS_POINTER = 'version https://git-lfs.github.com/spec/v1\nsize 4\n';

export async function writeTree(root: string, tree: Tree): Promise<void> {
  for (const [name, content] of Object.entries(tree)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    await writeFile(path, isText ? content : JSON.stringify(content));
  }
}

/** A safetensors file of tensors of these shapes, all of zeros, as float32. */
export function tensors(shapes: Readonly<Record<string, readonly number[]>>): Buffer {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const start = end;
    end += 4 * shape.reduce((all, side) => all * side, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }];
  });
  const header = Buffer.from(JSON.stringify({ __metadata__: {}, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(end)]);
}

/** A file of one weight. */
export const WEIGHTS = tensors({ 'conv_in.weight': [2, 2] });

/** A model of diffusers' in `folder`. */
export function model(folder: string, kind: string, config: object = {}): Tree {
  return {
    [`${folder}/config.json`]: { _class_name: kind, ...config },
    [`${folder}/diffusion_pytorch_model.safetensors`]: WEIGHTS,
  };
}

function textParts(folder: string): Tree {
  return {
    [`${folder}text_encoder/config.json`]: { architectures: ['CLIPTextModel'] },
    [`${folder}text_encoder/model.safetensors`]: WEIGHTS,
    [`${folder}tokenizer/vocab.json`]: {},
    [`${folder}tokenizer/merges.txt`]: '',
  };
}

/** Stable Diffusion XL's. */
export function xlPipeline(unet: object = {}, folder = ''): Tree {
  return {
    ...imagePipeline({ addition_embed_type: 'text_time', ...unet }, folder),
    [`${folder}text_encoder_2/config.json`]: { architectures: ['CLIPTextModelWithProjection'] },
    [`${folder}text_encoder_2/model.safetensors`]: WEIGHTS,
    [`${folder}tokenizer_2/vocab.json`]: {},
    [`${folder}tokenizer_2/merges.txt`]: '',
  };
}

/** Stable Diffusion 1.5's, as it is downloaded. */
export function imagePipeline(unet: object = {}, folder = ''): Tree {
  return {
    [`${folder}model_index.json`]: { _class_name: 'StableDiffusionPipeline' },
    ...textParts(folder),
    ...model(`${folder}unet`, 'UNet2DConditionModel', { sample_size: 64, ...unet }),
    ...model(`${folder}vae`, 'AutoencoderKL'),
    [`${folder}scheduler/scheduler_config.json`]: { _class_name: 'PNDMScheduler' },
  };
}

/** ZeroScope's. */
export function videoPipeline(folder = ''): Tree {
  return {
    [`${folder}model_index.json`]: { _class_name: 'TextToVideoSDPipeline' },
    ...textParts(folder),
    ...model(`${folder}unet`, 'UNet3DConditionModel'),
  };
}

/** Names and shapes of a checkpoint of the original code. */
export function checkpoint(channels = 4, text = 'cond_stage_model.transformer.x'): Buffer {
  return tensors({
    'model.diffusion_model.input_blocks.0.0.weight': [2, channels, 1, 1],
    'first_stage_model.encoder.conv_in.weight': [2, 2],
    [text]: [2, 2],
  });
}

/** Of one of Stable Diffusion XL, without the parts whose names begin with one of these. */
export function xlCheckpoint(channels = 4, ...without: readonly string[]): Buffer {
  const names = {
    'model.diffusion_model.input_blocks.0.0.weight': [2, channels, 1, 1],
    'model.diffusion_model.label_emb.0.0.weight': [2, 2],
    'first_stage_model.encoder.conv_in.weight': [2, 2],
    'conditioner.embedders.0.transformer.text_model.x': [2, 2],
    'conditioner.embedders.1.model.text_projection': [2, 2],
  };
  const kept = Object.entries(names).filter(
    ([name]) => !without.some((start) => name.startsWith(start)),
  );
  return tensors(Object.fromEntries(kept));
}

/** The tree without some files: those whose paths begin with one of these. */
export function without(tree: Tree, ...starts: readonly string[]): Tree {
  return Object.fromEntries(
    Object.entries(tree).filter(([path]) => !starts.some((start) => path.startsWith(start))),
  );
}

/** What is wrong with what the tree has at the path, each as `PATH PROBLEM`, paths without the root. */
export async function problemsOf(root: string, tree: Tree, at = ''): Promise<readonly string[]> {
  await writeTree(root, tree);
  const { problems } = await recogniseModels(join(root, at));
  for (const { hint } of problems) expect(hint).toMatch(/^[A-Z`].*[.?]$/);
  return problems.map(({ path, problem }) =>
    `${path} ${problem}`.replaceAll(`${root}/`, '').replace(root, ''),
  );
}

/** Of weights in parts. */
export function index(...parts: readonly string[]): object {
  return { weight_map: Object.fromEntries(parts.map((name) => [`${name}.weight`, name])) };
}
