// The plan of recipes that draw parts of frames: the source's frames, those parts drawn by a UNet that is told what is known, and the bridge.

import type { Generator } from '../../common/models/model-set.ts';
import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import { drawingRoles, generatorRefs } from '../pipeline/generator-parts.ts';
import { drawingParams, drawingSettings } from '../pipeline/generator-settings.ts';
import type { DrawingJob } from '../pipeline/generator-settings.ts';
import type { PartRef } from '../pipeline/job-base.ts';
import { indicesOf } from '../pipeline/layout.ts';
import { framesOf, planNode } from '../pipeline/plan-node.ts';
import type { PlanNode } from '../pipeline/plan-node.ts';
import type { Rectangle } from '../pipeline/rectangles.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { ingestNode } from '../pipeline/source-nodes.ts';
import { checkUnetChannels, latentChannels } from '../pipeline/unet-channels.ts';
import type { RecipeRequest } from '../recipe.ts';
import type { InpaintingParams } from './params.ts';

export interface HiddenPartsJob extends DrawingJob {
  readonly task: InpaintingParams['task'];
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
    problems.push(
      `task: the models in ${models.folder} have no inpainting UNet, with which ${spec.task} draws`,
    );
    return undefined;
  }
  const latents = latentChannels(request);
  const given = { 'noisy latents': latents, mask: 1, 'known latents': latents };
  checkUnetChannels(found, given, request);
  return found;
}

/** What both recipes have of a job beside the place of what is hidden. */
export function hiddenPartsOf<N extends InpaintingParams['task']>(
  task: N,
  generator: Generator,
  { spec, models }: RecipeRequest<Parameters<typeof drawingSettings>[0]>,
) {
  const { unet, ...others } = generatorRefs(generator, models.image);
  return {
    task,
    ...drawingSettings(spec, models),
    models: { inpaintUnet: unet, ...others },
  };
}

export function drawingOf({
  spec,
  models,
}: Pick<RecipeRequest<Parameters<typeof drawingSettings>[0]>, 'spec' | 'models'>) {
  const generator = Object.values(models.generators).find(({ task }) => task === 'inpainting');
  return {
    sampler: drawingSettings(spec, models).sampler,
    generatorScheduler: generator?.scheduler,
  };
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

/** `hiddenAt`: what is hidden of a frame. */
export function hiddenPartsNodes(
  job: HiddenPartsJob,
  hiddenAt: (frame: number) => readonly Rectangle[],
): readonly PlanNode[] {
  const { models } = job;
  const ingest = ingestNode(job);
  const source = { node: ingest, output: 'frames' };
  const batches = ingest.layout;
  const generate = planNode('generate', {
    layout: batches,
    params: (index): InpaintingParams => ({
      ...drawingParams(job),
      task: job.task,
      hidden: indicesOf(batches.range(index)).map(hiddenAt),
    }),
    models: { ...drawingRoles(models, models.inpaintUnet), 'vae-encoder': models.vaeEncoder },
    inputs: { frames: framesOf(source, batches) },
  });
  const generated = { node: generate, output: 'frames' };
  const bridge = bridgeNodes(job, generated);
  const results = { generated, smoothed: bridge.smoothed };
  return [
    ...[ingest, generate, ...bridge.nodes],
    ...[measureNode(job, results), assembleNode(job, results, { source })],
  ];
}
