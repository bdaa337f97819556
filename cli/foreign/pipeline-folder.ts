// A pipeline's folder in diffusers' layout: which flag of the exporter takes it, and what it lacks.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { refused } from './foreign.ts';
import type { Foreign, ForeignProblem } from './foreign.ts';
import {
  classOf,
  isFolder,
  readJson,
  readModel,
  schedulerProblems,
  tokenizerProblems,
} from './model-folder.ts';
import type { JsonObject, ModelFolder } from './model-folder.ts';
import { controlName } from './single-file.ts';

const FIRST_TWO =
  'Take a pipeline of Stable Diffusion 1 or 2, ZeroScope, or one that docs/models.md names.';
/** What a UNet sees beside noise, by its channels. */
const FLAGS: Readonly<Record<number, readonly [flag: string, what: string]>> = {
  4: ['--image', 'an image pipeline'],
  8: ['--instruct', 'a pipeline that takes instructions'],
  9: ['--inpaint', 'an inpainting pipeline'],
};

/** What the pipeline is, and the flags that take it. */
export async function readPipeline(folder: string): Promise<Foreign> {
  const index = await readJson(join(folder, 'model_index.json'));
  if ('problem' in index && index.problem !== 'is missing') return refused('a pipeline', index);
  const name = 'object' in index ? classOf(index.object) : undefined;
  const called = name === undefined ? '' : ` (${name})`;
  const config = await readJson(join(folder, 'unet', 'config.json'));
  if ('problem' in config) return withoutUnet(folder, called, config);
  const kind = classOf(config.object);
  if (kind === 'UNet3DConditionModel') return videoPipeline(folder, called, config.object);
  if (kind === 'UNetMotionModel' || (await isFolder(join(folder, 'motion_adapter')))) {
    return motionPipeline(folder, called);
  }
  if (await isFolder(join(folder, 'text_encoder_2'))) {
    return xlPipeline(folder, called, config.object);
  }
  return imagePipeline(folder, called, config.object);
}

async function imagePipeline(folder: string, called: string, config: JsonObject): Promise<Foreign> {
  const channels = channelsOf(config);
  const [flag, what] = FLAGS[channels] ?? [];
  if (flag === undefined) {
    const problem = `takes ${String(channels)} channels`;
    const hint = 'A UNet of 4, 8 (InstructPix2Pix) or 9 (inpainting) can be exported.';
    return refused(`a pipeline${called}`, {
      path: join(folder, 'unet', 'config.json'),
      problem,
      hint,
    });
  }
  if (config['addition_embed_type'] != null || config['class_embed_type'] != null)
    return refusedXl(folder, called);
  const unet = await readModel(join(folder, 'unet'), 'UNet2DConditionModel');
  const rest = flag === '--image' ? await imageParts(folder) : [];
  const nets = await controlnets(folder);
  const models = [unet, ...rest, ...nets];
  const others = flag === '--image' ? await plainParts(folder, ['tokenizer', 'scheduler']) : [];
  const size = flag === '--image' ? sizeFlags(config) : [];
  const controls =
    nets.length > 0 ? ['--controlnet', `${controlName(folder)}=${join(folder, 'controlnet')}`] : [];
  return joined(`${what}${called}`, models, others, [flag, folder, ...controls, ...size]);
}

/** It draws for ControlNets, beside an image model whose latents are the video model's. */
async function xlPipeline(folder: string, called: string, config: JsonObject): Promise<Foreign> {
  if (config['addition_embed_type'] !== 'text_time' || channelsOf(config) !== 4) {
    return refusedXl(folder, called);
  }
  const nets = await controlnets(folder);
  const models = [
    await readModel(join(folder, 'unet'), 'UNet2DConditionModel'),
    ...(await imageParts(folder)),
    await readModel(join(folder, 'text_encoder_2'), 'CLIPTextModelWithProjection'),
    ...nets,
  ];
  const others = [
    ...(await plainParts(folder, ['tokenizer', 'scheduler'])),
    ...(await tokenizerProblems(join(folder, 'tokenizer_2'))),
  ];
  const net =
    nets.length > 0 ? `${controlName(folder)}=${join(folder, 'controlnet')}` : 'canny=CONTROLNET';
  const what = `a pipeline of Stable Diffusion XL${called}`;
  return joined(what, models, others, ['--xl', folder, '--controlnet', net]);
}

async function videoPipeline(folder: string, called: string, config: JsonObject): Promise<Foreign> {
  const models = [
    await readModel(join(folder, 'unet'), 'UNet3DConditionModel'),
    await readModel(join(folder, 'text_encoder'), 'CLIPTextModel'),
  ];
  const channels = channelsOf(config);
  if (channels !== 4) {
    const path = join(folder, 'unet', 'config.json');
    const problem = `takes ${String(channels)} channels: it sees more than noise`;
    return refused(`a video pipeline${called}`, {
      path,
      problem,
      hint: 'Take one that draws by a text alone.',
    });
  }
  const others = await plainParts(folder, ['tokenizer']);
  return joined(`a video pipeline${called}`, models, others, ['--video', `video=${folder}`]);
}

async function motionPipeline(folder: string, called: string): Promise<Foreign> {
  const adapter = join(folder, 'motion_adapter');
  const what = `an AnimateDiff pipeline${called}`;
  if (!(await isFolder(adapter))) {
    const problem = 'has a UNet with motion modules inside, and no motion_adapter folder';
    const hint =
      'Take the motion adapter by itself, and the image pipeline that it was trained over.';
    return refused(what, { path: folder, problem, hint });
  }
  const model = await readModel(adapter, 'MotionAdapter');
  return joined(what, [model], [], ['--motion-adapter', `motion=${adapter}`]);
}

/** Of another architecture, or the UNet alone was left out. */
async function withoutUnet(
  folder: string,
  called: string,
  config: ForeignProblem,
): Promise<Foreign> {
  const names = await readdir(folder);
  const what = `a pipeline${called}`;
  if (names.includes('text_encoder_2')) return refusedXl(folder, called);
  const strange = ['transformer', 'prior', 'decoder'].find((name) => names.includes(name));
  if (strange === undefined) {
    return refused(
      what,
      (await isFolder(join(folder, 'unet'))) ? config : { ...config, path: join(folder, 'unet') },
    );
  }
  const problem = `has a ${strange} where Stable Diffusion 1 and 2 have a UNet`;
  return refused(what, { path: folder, problem, hint: FIRST_TWO });
}

async function imageParts(folder: string): Promise<readonly ModelFolder[]> {
  return [
    await readModel(join(folder, 'text_encoder'), 'CLIPTextModel'),
    await readModel(join(folder, 'vae'), 'AutoencoderKL'),
  ];
}

async function plainParts(
  folder: string,
  parts: readonly ('tokenizer' | 'scheduler')[],
): Promise<readonly ForeignProblem[]> {
  const checks = { tokenizer: tokenizerProblems, scheduler: schedulerProblems };
  return (await Promise.all(parts.map(async (part) => checks[part](join(folder, part))))).flat();
}

async function controlnets(folder: string): Promise<readonly ModelFolder[]> {
  const at = join(folder, 'controlnet');
  return (await isFolder(at)) ? [await readModel(at, 'ControlNetModel')] : [];
}

/** Diffusers leaves out of a config what is its default. */
function channelsOf(config: JsonObject): number {
  return Number(config['in_channels'] ?? 4);
}

/** Eight pixels to a latent. */
function sizeFlags(config: JsonObject): readonly string[] {
  const side = config['sample_size'];
  return typeof side === 'number' && side % 8 === 0
    ? ['--size', `${String(8 * side)}x${String(8 * side)}`]
    : [];
}

function joined(
  what: string,
  models: readonly ModelFolder[],
  others: readonly ForeignProblem[],
  flags: readonly string[],
): Foreign {
  const variant = models.find((model) => model.variant !== undefined)?.variant;
  const problems = [...models.flatMap((model) => model.problems), ...others];
  return {
    what,
    problems,
    flags: [...flags, ...(variant === undefined ? [] : ['--variant', variant])],
  };
}

/** An XL that sees more than noise, or half of one. */
function refusedXl(folder: string, called: string): Foreign {
  const problem = 'is of Stable Diffusion XL, or of another model that takes more than a text';
  return refused(`a pipeline${called}`, { path: folder, problem, hint: FIRST_TWO });
}
