// The fields of a spec, by who has them: every recipe, or those that draw frames. Ranges, lists of words, and the defaults that do not
// depend on the models.

import { z } from 'zod';

import { AYS_TIMESTEPS } from '../../common/diffusion/ays-timesteps.ts';
import { OUTPUT_FORMATS } from '../../common/outputs/output-formats.ts';
import { INVERSION_MODES, SAMPLERS } from '../../common/stages.ts';
import { BY_MODELS } from './flag.ts';
import type { SettingFlag } from './flag.ts';
import { SPAN_FIELDS } from './frame-spans.ts';
import { integer, promptText } from './values.ts';

export const words = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, {
    error: (issue) => `expected one of ${values.join(', ')}, got ${JSON.stringify(issue.input)}`,
  });

export const RESIZE_POLICIES = ['stretch', 'cover', 'contain'] as const;
export const NORM_SCOPES = ['window', 'frame'] as const;

const sourceSpec = z.strictObject({
  path: z.string().min(1),
  start: integer(0, 10_000_000).default(0),
  stride: integer(1, 10_000).default(4),
});

const sizeSpec = z.strictObject({ width: integer(8, 8192), height: integer(8, 8192) });

/** `128x128` as well as `{ width, height }`. */
const sizeText = z
  .string()
  .regex(/^\d+x\d+$/, 'expected WIDTHxHEIGHT, such as 512x512')
  .transform((text) => {
    const [width = 0, height = 0] = text.split('x').map(Number);
    return { width, height };
  })
  .pipe(sizeSpec);

const inversionSpec = z.strictObject({
  mode: words(INVERSION_MODES).optional(),
  normScope: words(NORM_SCOPES).default('window'),
});

/** The ablation of the paper, figure 10 and section 4: how frames become the noise that is smoothed. */
export const STRATEGIES = ['mixed', 'image-only', 'video-only', 'none'] as const;

const bridgingSpec = z.strictObject({
  strategy: words(STRATEGIES).default('mixed'),
  strength: z.number().positive().max(1).optional(),
});

/** How the windows of a clip come together that is longer than one; the first is the default. */
export const LONG_MODES = ['co-denoise', 'blend', 'independent'] as const;

/** How a clip's cuts are known, where they are not listed; the second is the default. */
const CUT_WORDS = ['auto', 'none'] as const;
export const isCutWord = (text: string): boolean => CUT_WORDS.some((word) => word === text);
/** In a spec, which a farm takes up to 64 KiB of. */
const CUTS_MAX = 4096;

/** What becomes of the source's sound. */
export const AUDIO_MODES = ['none', 'keep'] as const;

const outputSpec = z.strictObject({
  format: words(OUTPUT_FORMATS).default('mp4'),
  framesPerSecond: z.number().positive().max(120).default(8),
  comparison: z.boolean().default(false),
  contactSheet: z.boolean().default(false),
  // Absent for none: a coordinator of an older version refuses what it does not know.
  audio: words(AUDIO_MODES).optional(),
});

/** Of every spec, besides `task`. */
export const COMMON_FIELDS = {
  apiVersion: z.literal('bivdiff/v1'),
  kind: z.literal('Render').default('Render'),
  name: z.string().max(200).optional(),
  input: sourceSpec,
  frames: integer(1, 1_000_000).default(8),
  size: z.union([sizeText, sizeSpec]).optional(),
  resize: words(RESIZE_POLICIES).default('stretch'),
  prompt: promptText,
  negativePrompt: promptText.optional(),
  videoPrompt: promptText.optional(),
  steps: integer(1, 1000).optional(),
  videoGuidanceScale: z.number().min(1).max(100).optional(),
  mixingRatio: z.number().min(0).max(1).optional(),
  bridging: bridgingSpec.prefault({}),
  inversion: inversionSpec.prefault({}),
  seed: integer(0, Number.MAX_SAFE_INTEGER).default(42),
  posterior: words(['mode', 'sample']).default('mode'),
  models: z.string().min(1).optional(),
  videoModel: z.string().min(1).optional(),
  frameBatch: integer(1, 64).default(4),
  window: integer(1, 1024).optional(),
  // What follows is absent where it is the default: a coordinator of an older version refuses what it does not know.
  long: words(LONG_MODES).optional(),
  windowStride: integer(1, 1024).optional(),
  windowBlock: integer(1, 64).optional(),
  fast: z.boolean().optional(),
  guidanceEnd: z.number().min(0).max(1).optional(),
  cacheInterval: integer(1, 100).optional(),
  cuts: z.union([z.array(integer(0, 9_999_999)).max(CUTS_MAX), words(CUT_WORDS)]).optional(),
  ...SPAN_FIELDS,
  output: outputSpec.prefault({}),
};

const AYS_WORDS = Object.keys(AYS_TIMESTEPS);
const TIMESTEPS_FORM = `expected timesteps that descend, such as 999,850,736, or ${AYS_WORDS.join(' or ')}`;

const timestepsList = z
  .array(integer(0, 99_999))
  .min(1)
  .max(1000)
  .refine((list) => list.every((time, i) => i === 0 || time < list[i - 1]!), TIMESTEPS_FORM);

/** `999,850,736` and the words, as well as a list. */
const timestepsText = z
  .string()
  .regex(new RegExp(`^(?:${AYS_WORDS.join('|')}|\\d{1,5}(?:,\\d{1,5})*)$`), TIMESTEPS_FORM)
  .transform((text) =>
    text in AYS_TIMESTEPS
      ? [...AYS_TIMESTEPS[text as keyof typeof AYS_TIMESTEPS]]
      : text.split(',').map(Number),
  )
  .pipe(timestepsList);

/** Of every recipe whose frames an image model draws. */
export const DRAWING_FIELDS = {
  guidanceScale: z.number().min(1).max(100).optional(),
  scheduler: words(SAMPLERS).optional(),
  // Absent for the steps' own, and for 0: a coordinator of an older version refuses what it does not know.
  timesteps: z.union([timestepsText, timestepsList]).optional(),
  sharedNoise: z.number().min(0).max(1).optional(),
};

export const DRAWING_FLAGS: readonly SettingFlag[] = [
  {
    name: 'guidance-scale',
    kind: 'number',
    value: 'X',
    field: 'guidanceScale',
    doc: 'Classifier-free guidance of the image model; 1 means none',
    defaultText: BY_MODELS,
  },
  {
    name: 'scheduler',
    kind: 'word',
    value: 'NAME',
    field: 'scheduler',
    doc: 'Sampler of the image model',
    defaultText: BY_MODELS,
  },
  {
    name: 'timesteps',
    kind: 'text',
    value: 'T,...',
    field: 'timesteps',
    doc: 'Timesteps that frames are drawn at in place of those of --steps, descending: a list, or Align Your Steps (ays-sd, ays-sdxl); for euler, heun, dpm-solver++ and lcm',
    defaultText: 'those of --steps',
  },
  {
    name: 'shared-noise',
    kind: 'number',
    value: 'X',
    field: 'sharedNoise',
    doc: 'What the noise of all frames has in common: 0 nothing (as the paper), 1 all, so that only the control tells frames apart',
    defaultText: '0',
  },
];
