// The settings of the official code's configuration files (MCG-NJU/BIVDiff at 9431e46, configs/*.yaml), with the words that its models/*/infer.py
// put after prompts. A table; what becomes of it is request/apply-preset.ts. Which control, video model and models are the user's choice.

import { RECIPES } from '../../recipes/spec/schema.ts';

export interface Preset {
  /** Fields of the spec, dotted. */
  readonly fields: Readonly<Record<string, string | number>>;
  /** Put after the prompt, and after a prompt of the video model's own. */
  readonly suffix: string;
}

/** What all of them say. Frames are stretched to the size, and the posterior is sampled. */
const COMMON = {
  ...{ frames: 8, 'input.stride': 4, size: '512x512', resize: 'stretch', seed: 42, steps: 50 },
  ...{ videoGuidanceScale: 7.5, guidanceScale: 7.5, 'bridging.strategy': 'mixed' },
  ...{ 'inversion.mode': 'official', 'inversion.normScope': 'window', posterior: 'sample' },
};

const PRAISE =
  ' ,best quality, extremely detailed, HD, ultra-realistic, 8K, HQ, masterpiece, trending on artstation, art, smooth';
/** With its misspelling: other words are other tokens. */
const BLAME =
  'longbody, lowres, bad anatomy, bad hands, missing fingers, extra digit, fewer difits, cropped, worst quality, low quality, deformed body, bloated, ugly, unrealistic';

const praised = { suffix: PRAISE, negativePrompt: BLAME };
const plain = { suffix: '', negativePrompt: '' };

const preset = (
  task: string,
  mixingRatio: number,
  { suffix, negativePrompt }: { readonly suffix: string; readonly negativePrompt: string },
  own: Preset['fields'] = {},
): Preset => ({ fields: { task, ...COMMON, mixingRatio, negativePrompt, ...own }, suffix });

/** Samplers are those of the checkpoints' own folders, where these are known. */
const ALL: Readonly<Record<string, Preset>> = {
  'bivdiff-controlnet': preset('controlnet', 1, praised, { scheduler: 'pndm' }),
  'bivdiff-t2i-adapter': preset('t2i-adapter', 1, plain, { scheduler: 'ddim' }),
  'bivdiff-instruct-pix2pix': preset('instruct-pix2pix', 1, praised, {
    ...{ scheduler: 'euler-ancestral', imageGuidanceScale: 1.5 },
  }),
  'bivdiff-prompt-to-prompt': preset('prompt-to-prompt', 0.25, plain, {
    ...{ 'edit.crossReplace': 0.4, 'edit.selfReplace': 0.4 },
  }),
  'bivdiff-inpainting': preset('inpainting', 0.1, plain),
  'bivdiff-outpainting': preset('outpainting', 0.1, plain, { 'outpaint.direction': 'horizontal' }),
};

/** Those of the tasks that there are. */
export const PRESETS: ReadonlyMap<string, Preset> = new Map(
  Object.entries(ALL).filter(([, { fields }]) =>
    RECIPES.some(({ name }) => name === fields['task']),
  ),
);
