// A folder with one model's config in it: a ControlNet, a T2I-Adapter, a motion adapter; or a part of a pipeline.

import { basename, dirname, join } from 'node:path';

import { refused } from './foreign.ts';
import type { Foreign, ForeignProblem } from './foreign.ts';
import { classOf, readJson, readModel } from './model-folder.ts';
import type { JsonObject } from './model-folder.ts';
import { controlName } from './single-file.ts';

interface Kind {
  readonly what: string;
  readonly flag: string;
  /** What else it takes to export a model with this config. */
  readonly beside?: (config: JsonObject) => readonly string[];
  /** Why a model with this config fits no image model that can be exported. */
  readonly unfit: (config: JsonObject) => string | undefined;
}

const KINDS: Readonly<Record<string, Kind>> = {
  ControlNetModel: {
    what: 'a ControlNet',
    flag: '--controlnet',
    beside: (config) => (config['addition_embed_type'] === 'text_time' ? ['--xl', 'XL'] : []),
    unfit: () => undefined,
  },
  T2IAdapter: {
    what: 'a T2I-Adapter',
    flag: '--t2i-adapter',
    unfit: (config) =>
      config['adapter_type'] === 'full_adapter_xl' ? 'is for Stable Diffusion XL' : undefined,
  },
  MotionAdapter: {
    what: 'a motion adapter',
    flag: '--motion-adapter',
    unfit: (config) =>
      config['conv_in_channels'] == null ? undefined : 'wants a picture beside the noise',
  },
};
/** Models that are taken with their pipeline. */
const PARTS = ['UNet2DConditionModel', 'UNet3DConditionModel', 'AutoencoderKL', 'CLIPTextModel'];

/** What the model is, and the flag that takes it. */
export async function readOneModel(folder: string): Promise<Foreign> {
  const path = join(folder, 'config.json');
  const config = await readJson(path);
  if ('problem' in config) return refused('a model', config);
  const name = classOf(config.object);
  const kind = name === undefined ? undefined : KINDS[name];
  if (kind !== undefined) return ofKind(folder, name!, kind, config.object);
  if (name !== undefined && PARTS.includes(name)) {
    const hint = `Check the pipeline's folder, ${dirname(folder)} say.`;
    return refused(`a part of a pipeline (${name})`, {
      path: folder,
      problem: 'is one model of several',
      hint,
    });
  }
  if (config.object['add_temp_conv'] === true) {
    return { what: "VidRD's layers", problems: [], flags: ['--video', `vidrd=${folder}`] };
  }
  const problem = `is of ${name ?? 'no class that it names'}`;
  const hint = `Of single models, ${Object.keys(KINDS).join(', ')} can be exported.`;
  return refused('a model', { path, problem, hint });
}

async function ofKind(
  folder: string,
  name: string,
  kind: Kind,
  config: JsonObject,
): Promise<Foreign> {
  const { what, flag, beside, unfit } = kind;
  const misfit = unfit(config);
  if (misfit !== undefined) {
    const problem: ForeignProblem = {
      path: folder,
      problem: misfit,
      hint: 'Take one for Stable Diffusion 1 or 2.',
    };
    return refused(what, problem);
  }
  const { problems, variant } = await readModel(folder, name);
  const called = name === 'MotionAdapter' ? 'motion' : controlName(basename(folder));
  const variants = variant === undefined ? [] : ['--variant', variant];
  const others = beside?.(config) ?? [];
  return { what, problems, flags: [flag, `${called}=${folder}`, ...others, ...variants] };
}
