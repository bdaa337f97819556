// card.json, which makes a folder a model set: what the folder holds and which settings suit it. Checks the text
// only; whether the files are there is model-folder.ts's.

import { z } from 'zod';

import { INVERSION_MODES, SAMPLERS } from '../stages.ts';
import type { JsonObject } from '../task.ts';
import { annotatorSchema, BUILT_IN_ANNOTATORS } from './annotator-card.ts';
import type { CardAnnotator } from './annotator-card.ts';
import type { ModelDefaults, VideoDefaults } from './model-set.ts';
import { parsePythonJson } from './python-json.ts';

/** Paths are relative to the card's folder, with forward slashes. */
export interface Card {
  readonly name: string;
  readonly image: string;
  readonly videos: Readonly<Record<string, CardVideo>>;
  readonly defaultVideo: string;
  /** By name. */
  readonly generators: Readonly<Record<string, CardGenerator>>;
  /** By name. */
  readonly annotators: Readonly<Record<string, CardAnnotator>>;
  readonly defaults: ModelDefaults;
  readonly sizeMultiple: number;
}

/** What draws frames for one recipe. Paths are relative to the image model's folder; what is left out is the image model's own. */
export interface CardGenerator {
  /** The recipe that it is for. */
  readonly task: string;
  /** The recipe's method that it is for, where that is not its first. */
  readonly method?: string | undefined;
  /** A graph without its ending, or a folder with one. */
  readonly unet: string;
  readonly tokenizer?: string | undefined;
  readonly textEncoder?: string | undefined;
  readonly scheduler?: string | undefined;
  /** The folder of its VAE's graphs, whose config lies in `vae` there. */
  readonly vae?: string | undefined;
  /** What it is conditioned on, in the words of its recipe. */
  readonly conditions: readonly JsonObject[];
  /** That suits its frames, where that is not the set's. */
  readonly mixingRatio?: number | undefined;
}

export type CardVideo = (FolderVideo | TemporalVideo) & {
  /** Where other values suit it than the set's. */
  readonly defaults?: VideoDefaults | undefined;
};

/** A video model with tokenizer, text encoder, UNet and maybe scheduler in a folder of its own, relative to the card's. */
export interface FolderVideo {
  readonly folder: string;
}

/** One that is temporal layers over the image model, and else shares all with it. Paths are relative to the image model's folder. */
export interface TemporalVideo {
  /** A graph without its ending. */
  readonly unet: string;
  /** The folder of the layers' config and weights. */
  readonly temporal: string;
}

const relativePath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    error: 'must lie inside the folder of the card',
  });
const scale = z.number().min(0).max(100);
const ratio = z.number().min(0).max(1);
const videoDefaults = z
  .object({ videoGuidanceScale: scale.optional(), mixingRatio: ratio.optional() })
  .optional();
const videoSchema = z.union(
  [
    relativePath.transform((folder) => ({ folder })),
    z.object({ folder: relativePath, defaults: videoDefaults }),
    z.object({ unet: relativePath, temporal: relativePath, defaults: videoDefaults }),
  ],
  {
    error:
      'must be a folder inside that of the card, {"folder": …}, or {"unet": …, "temporal": …} inside the image model\'s; beside them at most "defaults" with videoGuidanceScale and mixingRatio',
  },
);
const size = z.string().regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/, { error: 'must be WIDTHxHEIGHT' });

const cardSchema = z
  .object({
    apiVersion: z.literal('bivdiff/v1'),
    kind: z.literal('ModelSet'),
    name: z.string().min(1),
    image: relativePath,
    videos: z.record(z.string().min(1), videoSchema),
    defaultVideo: z.string(),
    generators: z.record(
      z.string().min(1),
      z.object({
        task: z.string().min(1),
        method: z.string().min(1).optional(),
        unet: relativePath,
        tokenizer: relativePath.optional(),
        textEncoder: relativePath.optional(),
        scheduler: relativePath.optional(),
        vae: relativePath.optional(),
        conditions: z.array(z.record(z.string(), z.json())).default([]),
        mixingRatio: z.number().min(0).max(1).optional(),
      }),
    ),
    annotators: z.record(z.string().min(1), annotatorSchema(relativePath)).default({}),
    defaults: z.object({
      guidanceScale: scale,
      videoGuidanceScale: scale,
      mixingRatio: ratio,
      steps: z.int().min(1).max(1000),
      size,
      negativePrompt: z.string(),
      scheduler: z.enum(SAMPLERS),
      inversion: z.enum(INVERSION_MODES),
    }),
    sizeMultiple: z.int().min(8).multipleOf(8),
  })
  .superRefine((card, context) => {
    const custom = (path: string[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    const videos = Object.keys(card.videos);
    if (videos.length === 0) custom(['videos'], 'must name at least one video model');
    else if (!videos.includes(card.defaultVideo)) {
      custom(['defaultVideo'], `must be one of ${videos.join(', ')}`);
    }
    for (const name of Object.keys(card.annotators)) {
      if (BUILT_IN_ANNOTATORS.includes(name)) {
        custom(['annotators', name], 'is built in and needs no model; give this one another name');
      }
    }
    const { sizeMultiple } = card;
    const isOffStep = sizesOf(card.defaults.size).some((pixels) => pixels % sizeMultiple > 0);
    if (sizeMultiple % 8 === 0 && isOffStep) {
      custom(['defaults', 'size'], `must be multiples of ${String(sizeMultiple)}`);
    }
  });

/** The card, or everything that is wrong with it: one line each, the field first. Unknown fields are let be. */
export function parseCard(
  text: string,
): { readonly card: Card } | { readonly problems: readonly string[] } {
  let json: unknown;
  try {
    json = parsePythonJson(text);
  } catch (reason) {
    return { problems: [`is not JSON: ${(reason as SyntaxError).message}`] };
  }
  if (typeof json === 'object' && json !== null && 'controls' in json && !('generators' in json)) {
    return {
      problems: [
        'controls: is of an older version; in its place stands generators, such as {"canny": {"task": "controlnet", "unet": "unet_controlnet-canny", "conditions": [{"annotator": "canny", "low": 100, "high": 200}]}}',
      ],
    };
  }
  const parsed = cardSchema.safeParse(json);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => {
      return path.length === 0 ? message : `${path.join('.')}: ${message}`;
    });
    return { problems: lines };
  }
  const { defaults, name, image, videos, defaultVideo, ...rest } = parsed.data;
  const { generators, annotators, sizeMultiple } = rest;
  const { size: sizeText, scheduler, ...others } = defaults;
  const [width, height] = sizesOf(sizeText);
  return {
    card: {
      ...{ name, image, videos, defaultVideo, generators, annotators, sizeMultiple },
      defaults: { ...others, width: width!, height: height!, sampler: scheduler },
    },
  };
}

function sizesOf(text: string): number[] {
  return text.split('x').map(Number);
}
