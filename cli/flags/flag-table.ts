// Every flag of render, plan and sweep, in one table: name, place in the spec, what it is for. Parsing, help,
// completion, batch headers and docs/cli.md are made from it; ranges and defaults come from the spec's schema.

import { FAST } from '../../coordinator/domain/speed.ts';
import { RECIPES } from '../../recipes/spec/schema.ts';
import { OUTPUT_FLAGS, PLACE_FLAGS } from './output-flags.ts';
import { PRESETS } from './presets.ts';
import { BY_MODELS } from '../../recipes/spec/flag.ts';
import type { Flag, Ungrouped } from './flag.ts';
import type { SettingFlag } from '../../recipes/spec/flag.ts';

export type { Flag };

const what: readonly Ungrouped[] = [
  { name: 'task', kind: 'word', value: 'TASK', field: 'task', doc: 'What makes the frames' },
  {
    name: 'preset',
    kind: 'word',
    value: 'NAME',
    words: [...PRESETS.keys()],
    doc: "All settings of the paper's own configuration for a task, at the size of Stable Diffusion 1.5; a flag that says otherwise is refused",
  },
  {
    name: 'input',
    kind: 'path',
    value: 'FILE',
    field: 'input.path',
    doc: 'Source: a video, an animated GIF or a folder of pictures',
  },
  {
    name: 'frames',
    kind: 'number',
    value: 'N',
    field: 'frames',
    doc: 'Frames to render; A-B/N: of N of them frames A to B alone, A-B: of all that the source has, from 0, both among them',
  },
  {
    name: 'start',
    kind: 'number',
    value: 'N',
    field: 'input.start',
    doc: 'First source frame, from 0',
  },
  {
    name: 'stride',
    kind: 'number',
    value: 'N',
    field: 'input.stride',
    doc: 'Source frames from one taken frame to the next',
  },
  {
    name: 'size',
    kind: 'size',
    value: 'WxH',
    field: 'size',
    doc: 'Size of the frames in pixels',
    defaultText: BY_MODELS,
  },
  {
    name: 'resize',
    kind: 'word',
    value: 'HOW',
    field: 'resize',
    doc: 'How a source frame becomes that size',
  },
  {
    name: 'prompt',
    kind: 'text',
    value: 'TEXT',
    field: 'prompt',
    doc: 'What every frame shall show; for task instruct-pix2pix, what is done to it',
  },
  {
    name: 'negative-prompt',
    kind: 'text',
    value: 'TEXT',
    field: 'negativePrompt',
    doc: 'What to avoid',
    defaultText: BY_MODELS,
  },
  {
    name: 'video-prompt',
    kind: 'text',
    value: 'TEXT',
    field: 'videoPrompt',
    doc: 'What the video model is told',
    defaultText: 'the prompt',
  },
  {
    name: 'models',
    kind: 'models',
    value: 'DIR',
    field: 'models',
    doc: 'Folder of models, or the name of a set that ships',
    defaultText: 'the set that ships',
  },
  {
    name: 'video-model',
    kind: 'text',
    value: 'NAME',
    field: 'videoModel',
    doc: 'Which video model of that folder',
    defaultText: "the folder's own choice",
  },
];

const how: readonly Ungrouped[] = [
  {
    name: 'steps',
    kind: 'number',
    value: 'N',
    field: 'steps',
    doc: 'Steps of sampling, inversions and smoothing',
    defaultText: BY_MODELS,
  },
  {
    name: 'video-guidance-scale',
    kind: 'number',
    value: 'X',
    field: 'videoGuidanceScale',
    doc: 'Classifier-free guidance of the video model; 1 means none',
    defaultText: BY_MODELS,
  },
  {
    name: 'fast',
    kind: 'switch',
    field: 'fast',
    doc: `Draw and smooth in about half the time, a little differently: --guidance-end ${FAST.guidanceEnd} --cache-interval ${FAST.cacheInterval}, where these do not say otherwise`,
    defaultText: 'no',
  },
  {
    name: 'cache-interval',
    kind: 'number',
    value: 'N',
    field: 'cacheInterval',
    doc: 'Run the UNets of drawing and smoothing whole at every Nth step, and in between only what lies behind their deep features (DeepCache)',
    defaultText: '1: whole at each',
  },
  {
    name: 'guidance-end',
    kind: 'number',
    value: 'X',
    field: 'guidanceEnd',
    doc: 'Share of the steps after which both models are asked with the prompt alone: without guidance a step is half the work',
    defaultText: '1',
  },
  {
    name: 'mixing-ratio',
    kind: 'number',
    value: 'X',
    field: 'mixingRatio',
    doc: "Share of the image model's inversion: 0 stays closest to the frames, 1 moves furthest from them",
    defaultText: BY_MODELS,
  },
  {
    name: 'bridging',
    kind: 'word',
    value: 'STRATEGY',
    field: 'bridging.strategy',
    doc: "How frames become noise: both models' inversions mixed, either alone, or none: frames are noised (SDEdit)",
  },
  {
    name: 'strength',
    kind: 'number',
    value: 'X',
    field: 'bridging.strength',
    doc: 'How far --bridging none goes into noise, above 0 to 1',
    defaultText: '0.6',
  },
  {
    name: 'inversion',
    kind: 'word',
    value: 'HOW',
    field: 'inversion.mode',
    doc: "How frames become noise: diffusers' DDIM inversion, or BIVDiff's own step",
    defaultText: BY_MODELS,
  },
  {
    name: 'norm-scope',
    kind: 'word',
    value: 'SCOPE',
    field: 'inversion.normScope',
    doc: 'Over what the image inversion normalises: the window (as the paper) or each frame',
  },
  { name: 'seed', kind: 'number', value: 'N', field: 'seed', doc: 'Seed of all noise' },
  {
    name: 'seed-at',
    kind: 'list',
    value: 'A-B=N',
    field: 'seeds',
    doc: 'Seed of frames A to B instead, counted from 0 as they are rendered, both among them; may be given several times',
    defaultText: 'the seed',
  },
  {
    name: 'posterior',
    kind: 'word',
    value: 'HOW',
    field: 'posterior',
    doc: "How a latent is taken from the encoder's distribution",
  },
  {
    name: 'frame-batch',
    kind: 'number',
    value: 'N',
    field: 'frameBatch',
    doc: 'Frames per task of the frame-wise stages; part of what a result is',
  },
  {
    name: 'window',
    kind: 'number',
    value: 'N',
    field: 'window',
    doc: 'Frames per pass of the video model',
    defaultText: 'the length that it was trained on',
  },
  {
    name: 'long',
    kind: 'word',
    value: 'HOW',
    field: 'long',
    doc: 'How windows of a longer clip come together: they agree at every step, are cross-faded at the end, or stand side by side',
    defaultText: 'co-denoise',
  },
  {
    name: 'window-stride',
    kind: 'number',
    value: 'N',
    field: 'windowStride',
    doc: "Frames from one window's beginning to the next one's, where they overlap",
    defaultText: 'half a window',
  },
  {
    name: 'window-block',
    kind: 'number',
    value: 'N',
    field: 'windowBlock',
    doc: 'Windows that one task takes a step of, where they agree at every step; changes no result',
    defaultText: '1, more where a step has over 256 windows',
  },
  {
    name: 'cuts',
    kind: 'listing',
    value: 'auto|none|FILE',
    field: 'cuts',
    doc: 'Cuts, which no window crosses: found in the source, none, or a file with the first frame of each shot, counted from 0 as they are rendered',
    defaultText: 'none',
  },
];

const grouped = (group: string, flags: readonly Ungrouped[]): readonly Flag[] =>
  flags.map((flag) => ({ ...flag, group }));

/** The flags that render, plan and sweep share. */
export const RENDER_FLAGS: readonly Flag[] = [
  ...grouped('What to render', what),
  ...grouped('How', how),
  ...recipeFlags(),
  ...grouped('Outputs', OUTPUT_FLAGS),
  ...grouped('Where and how fast', PLACE_FLAGS),
];

/** Those of the recipes, each under the names of all that have it. */
function recipeFlags(): Flag[] {
  const flags = new Map<string, SettingFlag>();
  for (const flag of RECIPES.flatMap((recipe) => recipe.flags)) flags.set(flag.name, flag);
  return [...flags.values()].map((flag) => {
    const having = RECIPES.filter((recipe) => recipe.flags.some(({ name }) => name === flag.name));
    return { ...flag, group: `For ${having.map(({ name }) => `--task ${name}`).join(', ')}` };
  });
}
