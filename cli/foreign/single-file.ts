// A checkpoint in one file: what it is, by its names of weights. models/export/single_file/kinds.py tells the exporter the same.

import { basename, extname } from 'node:path';

import { refused } from './foreign.ts';
import type { Foreign } from './foreign.ts';
import { readSafetensors } from './safetensors-header.ts';

const UNET = 'model.diffusion_model.';
const FIRST = `${UNET}input_blocks.0.0.weight`;
const HINT_BLOCK = /^(control_model\.)?input_hint_block\.0\.weight$/;
const FIRST_TWO = 'Take a model of Stable Diffusion 1 or 2.';
const WHOLE = 'Take a checkpoint that has UNet, VAE and text encoder.';

interface Mark {
  readonly mark: RegExp;
  readonly what: string;
  readonly hint: string;
}

/** Models of these names are never exported, whatever else is in the file. */
const NEVER: readonly Mark[] = [
  {
    mark: /^conditioner\.embedders\.|label_emb\./,
    what: 'a checkpoint of Stable Diffusion XL',
    hint: "Take its folder in diffusers' layout: `--xl` of the exporter takes that.",
  },
  {
    mark: /\b(joint_blocks|double_blocks|double_layers|patchify_proj|clip_txt_mapper)\b/,
    what: 'a checkpoint of another architecture than Stable Diffusion 1 and 2',
    hint: FIRST_TWO,
  },
  { mark: /^lora_controlnet$/, what: 'a Control-LoRA', hint: 'Take a whole ControlNet.' },
];

/** What a file is that has neither a UNet nor a ControlNet. */
const ALONE: readonly Mark[] = [
  {
    mark: /\blora_|\.lora\.|_lora\.|\.lora_|\bhada_w|\blokr_w/,
    what: 'a LoRA, which changes a model',
    hint: 'Merge it into a checkpoint first.',
  },
  {
    mark: /motion_modules\./,
    what: "a motion module in AnimateDiff's own file",
    hint: "Take the motion adapter's folder in diffusers' layout.",
  },
  {
    mark: /^(adapter\.)?body\.\d/,
    what: 'a T2I-Adapter in one file',
    hint: "Take its folder in diffusers' layout.",
  },
  {
    mark: /^(image_proj|ip_adapter)\b/,
    what: 'an IP-Adapter',
    hint: 'There is no use for it here.',
  },
  {
    mark: /^(emb_params|string_to_param|clip_[lg]|<.*>)$/,
    what: 'a textual inversion embedding',
    hint: 'There is no use for it here.',
  },
  {
    mark: /^(down_blocks|mid_block|up_blocks|conv_in|(en|de)coder\.(down_blocks|up_blocks|conv_norm_out))\./,
    what: "one model of a pipeline, in diffusers' names",
    hint: 'Check the folder of the pipeline that it was in, with the config.json of each model.',
  },
  {
    mark: /^(first_stage_model\.|vae\.)?(encoder|decoder)\.(conv_in|mid)\b/,
    what: 'a VAE alone',
    hint: WHOLE,
  },
  {
    mark: /^(cond_stage_model|text_model|transformer\.resblocks)\./,
    what: 'a text encoder alone',
    hint: WHOLE,
  },
];

const PICKLES = ['.ckpt', '.pt', '.pth', '.bin'];

/** What the file is, and the flags that take it. */
export async function readSingleFile(path: string): Promise<Foreign> {
  const ending = extname(path);
  if (PICKLES.includes(ending)) {
    const problem = 'is a pickle, and reading one could run a program';
    return refused('a checkpoint', { path, problem, hint: 'Get the model as .safetensors.' });
  }
  if (ending === '.onnx') {
    const problem = 'is one graph, and the exporter writes its own';
    const hint =
      'One that finds depth or joints goes into a set by --annotator KIND=FILE (docs/annotators.md); of others give the weights.';
    return refused('an ONNX graph', { path, problem, hint });
  }
  if (ending === '.gguf') {
    const problem = 'has quantised weights (GGUF)';
    return refused('a checkpoint', { path, problem, hint: 'Get the model as .safetensors.' });
  }
  const header = await readSafetensors(path);
  if ('problem' in header) return refused('a file of weights', header);
  return readShapes(path, header.shapes);
}

function readShapes(path: string, shapes: ReadonlyMap<string, readonly number[]>): Foreign {
  const names = [...shapes.keys()];
  const misfit = markOf(NEVER, names);
  if (misfit !== undefined) return refusedAs(path, misfit);
  const channels = shapes.get(FIRST)?.[1];
  if (channels !== undefined) return checkpoint(path, names, channels);
  if (names.some((name) => HINT_BLOCK.test(name))) {
    return {
      what: 'a ControlNet in one file',
      problems: [],
      flags: ['--controlnet', `${controlName(path)}=${path}`],
    };
  }
  const alone = markOf(ALONE, names);
  if (alone !== undefined) return refusedAs(path, alone);
  const say = names.length === 0 ? '' : `, ${names[0]!} say`;
  const problem = `has no weights that are known${say}`;
  return refused('a file of weights', { path, problem, hint: FIRST_TWO });
}

function checkpoint(path: string, names: readonly string[], channels: number): Foreign {
  const isSecond = names.some((name) => name.startsWith('cond_stage_model.model.'));
  const what = `a checkpoint of Stable Diffusion ${isSecond ? '2' : '1'} in one file`;
  if (channels === 9)
    return { what: `${what}, for inpainting`, problems: [], flags: ['--inpaint', path] };
  if (channels === 8)
    return { what: `${what}, for instructions`, problems: [], flags: ['--instruct', path] };
  if (channels !== 4) {
    const problem = `has a UNet that takes ${String(channels)} channels`;
    return refused(what, {
      path,
      problem,
      hint: 'One of 4, 8 (InstructPix2Pix) or 9 (inpainting) can be exported.',
    });
  }
  const lacks = Object.entries({ VAE: 'first_stage_model.', 'text encoder': 'cond_stage_model.' })
    .filter(([, prefix]) => !names.some((name) => name.startsWith(prefix)))
    .map(([part, prefix]) => ({
      path,
      problem: `has no ${part}: no name begins with ${prefix.slice(0, -1)}`,
      hint: WHOLE,
    }));
  const predicts = isSecond ? ['--prediction-type', 'TYPE'] : [];
  return {
    what,
    problems: lacks,
    flags: ['--image', path, '--tokenizer', 'TOKENIZER', ...predicts],
  };
}

/** The name of a ControlNet's or an adapter's annotator, by what its file or folder is called. */
export function controlName(path: string): string {
  const called = basename(path, '.safetensors').toLowerCase();
  const known = ['canny', 'depth', 'pose'].find((name) => called.includes(name));
  return known ?? called.replace(/^[^a-z0-9]+|[^\w.-]+/g, '');
}

function markOf(marks: readonly Mark[], names: readonly string[]): Mark | undefined {
  return marks.find(({ mark }) => names.some((name) => mark.test(name)));
}

function refusedAs(path: string, { what, hint }: Mark): Foreign {
  return refused(what, { path, problem: `is ${what}: no set can be made of it`, hint });
}
