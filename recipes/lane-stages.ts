// The stages that run in lanes: of each its body, and what its graphs must look like. Ingest and assemble are not here: media processes
// do them.

import { BivdiffError } from '../common/errors.ts';
import type { GenerateParams, ParamsByStage } from '../common/stages.ts';
import {
  CLIP_UNET,
  IMAGE_UNET,
  INFLATED_UNET,
  TEXT_ENCODER,
  VAE_DECODER,
  VAE_ENCODER,
} from '../workers/inference/graph-contract.ts';
import type { LaneStage } from '../workers/inference/ports.ts';
import { annotate } from '../workers/pipelines/annotate/body.ts';
import { compose } from '../workers/pipelines/compose/body.ts';
import { estimate } from '../workers/pipelines/estimate/body.ts';
import { ANNOTATORS } from '../workers/pipelines/estimate/graphs.ts';
import { decode } from '../workers/pipelines/decode/body.ts';
import { encode } from '../workers/pipelines/encode/body.ts';
import { invertImage } from '../workers/pipelines/invert-image/body.ts';
import { invertVideo } from '../workers/pipelines/invert-video/body.ts';
import { measure } from '../workers/pipelines/measure/body.ts';
import { merge } from '../workers/pipelines/merge/body.ts';
import { mix } from '../workers/pipelines/mix/body.ts';
import { smooth } from '../workers/pipelines/smooth/body.ts';
import * as bodies from './bodies.ts';
import { unetOf } from './recipe-body.ts';
import type { RecipeBody } from './recipe-body.ts';

type ParamsByLaneStage = Omit<ParamsByStage, 'ingest' | 'assemble'>;

/** Each takes its own parameters, so none can be called by name without a cast. */
const byRecipe = new Map<string, RecipeBody<GenerateParams>>(
  Object.entries(bodies).map(([name, body]) => [
    name,
    body as unknown as RecipeBody<GenerateParams>,
  ]),
);

const videoGraphs = { 'text-encoder': TEXT_ENCODER, unet: CLIP_UNET };

export const LANE_STAGES: {
  readonly [S in keyof ParamsByLaneStage]: LaneStage<ParamsByLaneStage[S]>;
} = {
  annotate: { body: annotate },
  estimate: { body: estimate, graphs: ({ kind }) => ({ annotator: ANNOTATORS[kind] }) },
  generate: {
    body: async (input, context) => bodyOf(input.params).generate(input, context),
    graphs: (params) => ({
      'text-encoder': TEXT_ENCODER,
      unet: {
        ...unetOf(bodyOf(params), conditionCount(params)),
        seesWhole: bodyOf(params).seesWhole?.(params) ?? false,
      },
      'vae-decoder': VAE_DECODER,
      ...(bodyOf(params).graphs === undefined ? {} : { 'vae-encoder': VAE_ENCODER }),
    }),
  },
  encode: { body: encode, graphs: () => ({ 'vae-encoder': VAE_ENCODER }) },
  'invert-image': {
    body: invertImage,
    graphs: ({ normScope }) => ({
      'text-encoder': TEXT_ENCODER,
      unet: normScope === 'frame' ? IMAGE_UNET : INFLATED_UNET,
    }),
  },
  'invert-video': { body: invertVideo, graphs: () => videoGraphs },
  mix: { body: mix },
  smooth: { body: smooth, graphs: () => videoGraphs },
  merge: { body: merge },
  decode: { body: decode, graphs: () => ({ 'vae-decoder': VAE_DECODER }) },
  compose: { body: compose },
  measure: { body: measure },
};

/** How the frames of a recipe are drawn; undefined if it draws none. */
export function findBody(recipe: string): RecipeBody<GenerateParams> | undefined {
  return byRecipe.get(recipe);
}

/** Of its generator. */
function conditionCount({ controls }: GenerateParams): number {
  return Array.isArray(controls) ? controls.length : 1;
}

function bodyOf({ task }: GenerateParams): RecipeBody<GenerateParams> {
  const body = findBody(task);
  if (body !== undefined) return body;
  throw new BivdiffError('internal', `no code here draws frames for task ${task}`);
}
