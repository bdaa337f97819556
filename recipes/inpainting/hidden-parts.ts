// The plan of recipes that draw parts of frames: the source's frames, those parts drawn by a UNet that is told what is known, and the bridge.

import type { Generator } from '../../common/models/model-set.ts';
import { contentsOf, restingOn } from '../../common/problems.ts';
import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import { drawingRoles, encodingRole, generatorRefs } from '../pipeline/generator-parts.ts';
import { drawingParams, drawingSettings, drawnBy } from '../pipeline/generator-settings.ts';
import type { DrawingJob } from '../pipeline/generator-settings.ts';
import type { PartRef } from '../pipeline/job-base.ts';
import { indicesOf } from '../pipeline/layout.ts';
import type { Layout } from '../pipeline/layout.ts';
import { framesOf, planNode } from '../pipeline/plan-node.ts';
import type { NodeOutput, PlanNode } from '../pipeline/plan-node.ts';
import type { Rectangle } from '../pipeline/rectangles.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { ingestNode } from '../pipeline/source-nodes.ts';
import type { FurtherFrames } from '../pipeline/source-nodes.ts';
import { checkUnetChannels, latentChannels } from '../pipeline/unet-channels.ts';
import type { RecipeRequest } from '../recipe.ts';
import type { InpaintingParams } from './params.ts';

export interface HiddenPartsJob extends DrawingJob {
  readonly task: InpaintingParams['task'];
  /** Present where known pixels are put back over the smoothed frames, as `ComposeParams`. */
  readonly keepKnown?: { readonly feather: number };
  readonly models: DrawingJob['models'] & {
    /** The UNet that sees mask and known latents beside the noisy ones. */
    readonly inpaintUnet: PartRef;
  };
}

/** The only generator for inpainting; without one, a problem. */
export function inpaintGenerator(
  request: RecipeRequest<{ readonly task: string }>,
): Generator | undefined {
  const { models, problems, spec } = request;
  const found = Object.values(models.generators).find(({ task }) => task === 'inpainting');
  if (found === undefined) {
    restingOn(problems, contentsOf('models')).push(
      `task: the models in ${models.folder} have no inpainting UNet, with which ${spec.task} draws`,
    );
    return undefined;
  }
  const latents = latentChannels(request);
  const given = { 'noisy latents': latents, mask: 1, 'known latents': latents };
  checkUnetChannels(found, given, request);
  return found;
}

type HiddenPartsSpec = Parameters<typeof drawingSettings>[0] & {
  readonly keepKnown?: boolean | undefined;
  readonly feather?: number | undefined;
};

/** A feather is for known pixels that are put back. */
export function checkFeather({ spec, problems }: RecipeRequest<HiddenPartsSpec>): void {
  const { keepKnown = false, feather } = spec;
  if (keepKnown || feather === undefined) return;
  const what = 'without --keep-known (keepKnown) no known pixel is put back';
  restingOn(problems, 'keepKnown').push(`feather: ${what}`);
}

/** Looked at at 128x128: with 0 a few levels' difference shows as a line, with 8 what is drawn reaches far into what is known. */
const FEATHER_DEFAULT = 4;

/** What both recipes have of a job beside the place of what is hidden. */
export function hiddenPartsOf<N extends InpaintingParams['task']>(
  task: N,
  generator: Generator,
  { spec, models }: Pick<RecipeRequest<HiddenPartsSpec>, 'spec' | 'models'>,
) {
  const { unet, ...others } = generatorRefs(generator, models.image);
  const { keepKnown = false, feather } = spec;
  return {
    task,
    ...drawingSettings(spec, models),
    ...(keepKnown && { keepKnown: { feather: feather ?? FEATHER_DEFAULT } }),
    models: { inpaintUnet: unet, ...others },
  };
}

export function drawingOf(
  request: Pick<RecipeRequest<Parameters<typeof drawingSettings>[0]>, 'spec' | 'models'>,
) {
  const { generators } = request.models;
  const generator = Object.values(generators).find(({ task }) => task === 'inpainting');
  return drawnBy(generator, request);
}

/** What the size of a render rests on. */
export function sizeRestsOn({
  spec,
}: Pick<Parameters<typeof sizeOf>[0], 'spec'>): readonly string[] {
  return spec.size === undefined ? ['size', contentsOf('models')] : ['size'];
}

/** The size that a render will have. */
export function sizeOf({
  spec,
  models,
}: RecipeRequest<{
  readonly size?: { readonly width: number; readonly height: number } | undefined;
}>) {
  const { width, height } = models.defaults;
  return spec.size ?? { width, height };
}

/** What is hidden: rectangles of each frame, or where a mask is white. */
export type Hidden =
  | { readonly rectanglesAt: (frame: number) => readonly Rectangle[] }
  | { readonly mask: FurtherFrames };

export function hiddenPartsNodes(job: HiddenPartsJob, hidden: Hidden): readonly PlanNode[] {
  const { models, keepKnown } = job;
  const ingest = ingestNode(job);
  const source = { node: ingest, output: 'frames' };
  const batches = ingest.layout;
  const place = placeOf(hidden, batches);
  const generate = planNode('generate', {
    layout: batches,
    params: (index): InpaintingParams => ({
      ...drawingParams(job, batches.range(index)),
      task: job.task,
      ...place.params(index),
    }),
    models: { ...drawingRoles(models, models.inpaintUnet), ...encodingRole(models) },
    inputs: { frames: framesOf(source, batches), ...place.inputs },
  });
  const generated = { node: generate, output: 'frames' };
  const bridge = bridgeNodes(job, generated);
  const compose =
    keepKnown &&
    planNode('compose', {
      layout: batches,
      params: (index) => ({ ...keepKnown, ...place.params(index) }),
      inputs: {
        source: framesOf(source, batches),
        smoothed: framesOf(bridge.smoothed, batches),
        ...place.inputs,
      },
    });
  const smoothed: NodeOutput =
    compose === undefined ? bridge.smoothed : { node: compose, output: 'frames' };
  const results = { generated, smoothed };
  return [
    ...[ingest, ...('mask' in hidden ? [hidden.mask.node] : []), generate, ...bridge.nodes],
    ...(compose === undefined ? [] : [compose]),
    ...[measureNode(job, results), assembleNode(job, results, { source })],
  ];
}

/** How tasks that are cut so are told of it: by their parameters, or by an input. */
function placeOf(hidden: Hidden, batches: Layout) {
  if ('mask' in hidden) {
    return { params: () => ({}), inputs: { mask: hidden.mask.framesOf(batches) } };
  }
  const { rectanglesAt } = hidden;
  return {
    params: (index: number) => ({ hidden: indicesOf(batches.range(index)).map(rectanglesAt) }),
    inputs: {},
  };
}
