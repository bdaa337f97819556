// A checkpoint in one file: what it is, by its names of weights. models/export/single_file/kinds.py tells the exporter the same.

import { basename, extname } from 'node:path';

import { refused } from './foreign.ts';
import type { Foreign, ForeignProblem } from './foreign.ts';
import { readSafetensors } from './safetensors-header.ts';

const UNET = 'model.diffusion_model.';
const FIRST = `${UNET}input_blocks.0.0.weight`;
const HINT_BLOCK = /^(control_model\.)?input_hint_block\.0\.weight$/;
/** Of the text encoders of Stable Diffusion XL. */
const XL = 'conditioner.embedders.';
const FIRST_TWO = 'Take a model of Stable Diffusion 1 or 2.';
const XL_BASE = "Take Stable Diffusion XL's base model, or one made of it.";
const WHOLE = 'Take a checkpoint that has UNet, VAE and text encoder.';
const WHOLE_XL = 'Take a checkpoint that has UNet, VAE and both text encoders.';

interface Mark {
  readonly mark: RegExp;
  readonly what: string;
  readonly hint: string;
}

/** Models of these names are never exported, whatever else is in the file. */
const NEVER: readonly Mark[] = [
  {
    mark: /\b(joint_blocks|double_blocks|double_layers|patchify_proj|clip_txt_mapper)\b/,
    what: 'a checkpoint of another architecture than Stable Diffusion 1 and 2',
    hint: FIRST_TWO,
  },
  {
    mark: /\.time_(stack|mixer)\./,
    what: 'a checkpoint of Stable Video Diffusion, which animates a picture',
    hint: FIRST_TWO,
  },
  {
    mark: /^edm_(mean|std|vpred\.sigma_(max|min))$/,
    what: 'a checkpoint that counts noise as EDM does (Playground 2.5, CosXL)',
    hint: XL_BASE,
  },
  {
    mark: /^conditioner\.embedders\.0\.model\./,
    what: "Stable Diffusion XL's refiner, which goes over what the base model has drawn",
    hint: XL_BASE,
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
  if (names.some((name) => name.startsWith(XL) || name.includes('label_emb.'))) {
    return xlCheckpoint(path, names, channels);
  }
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
  const parts = { VAE: 'first_stage_model.', 'text encoder': 'cond_stage_model.' };
  const lacks = lackingOf(path, names, parts, WHOLE);
  const predicts = isSecond ? ['--prediction-type', 'TYPE'] : [];
  return {
    what,
    problems: lacks,
    flags: ['--image', path, '--tokenizer', 'TOKENIZER', ...predicts],
  };
}

/** What takes more than a text: Stable Diffusion XL, or what has a UNet like its. */
function xlCheckpoint(
  path: string,
  names: readonly string[],
  channels: number | undefined,
): Foreign {
  if (names.some((name) => HINT_BLOCK.test(name))) {
    const hint = "Take its folder in diffusers' layout.";
    return refusedAs(path, { what: 'a ControlNet of Stable Diffusion XL in one file', hint });
  }
  if (!names.some((name) => name.startsWith(XL))) {
    const hint = `${FIRST_TWO.slice(0, -1)}, or Stable Diffusion XL with its text encoders.`;
    return refusedAs(path, { what: 'a model that takes more than a text', hint });
  }
  const what = 'a checkpoint of Stable Diffusion XL in one file';
  if (channels !== undefined && channels !== 4) {
    const problem = `has a UNet that takes ${String(channels)} channels: it sees more than noise`;
    return refused(what, { path, problem, hint: XL_BASE });
  }
  const parts = {
    UNet: UNET,
    VAE: 'first_stage_model.',
    'text encoder': `${XL}0.transformer.`,
    'second text encoder': `${XL}1.model.`,
  };
  const flags = ['--xl', path, '--xl-tokenizer', 'XL_TOKENIZER'];
  const problems = lackingOf(path, names, parts, WHOLE_XL);
  return { what, problems, flags: [...flags, '--controlnet', 'canny=CONTROLNET'] };
}

/** What a checkpoint lacks of the parts, each of which has a prefix of names. */
function lackingOf(
  path: string,
  names: readonly string[],
  parts: Readonly<Record<string, string>>,
  hint: string,
): readonly ForeignProblem[] {
  return Object.entries(parts)
    .filter(([, prefix]) => !names.some((name) => name.startsWith(prefix)))
    .map(([part, prefix]) => ({
      path,
      problem: `has no ${part}: no name begins with ${prefix.slice(0, -1)}`,
      hint,
    }));
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

function refusedAs(path: string, { what, hint }: Omit<Mark, 'mark'>): Foreign {
  return refused(what, { path, problem: `is ${what}: no set can be made of it`, hint });
}
