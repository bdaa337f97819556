// How edited frames come about: the source's frames, each drawn anew by a UNet that sees it and reads the instruction. The bridge is told the
// video prompt, which says what the edited clip shows.

import { z } from 'zod';

import type { Generator } from '../../common/models/model-set.ts';
import { contentsOf, restingOn } from '../../common/problems.ts';
import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import { conditionsOf } from '../pipeline/generator-conditions.ts';
import { drawingRoles, encodingRole, generatorRefs } from '../pipeline/generator-parts.ts';
import { drawingParams, drawingSettings, drawnBy } from '../pipeline/generator-settings.ts';
import type { DrawingJob } from '../pipeline/generator-settings.ts';
import type { PartRef } from '../pipeline/job-base.ts';
import { framesOf, planNode } from '../pipeline/plan-node.ts';
import type { PlanNode } from '../pipeline/plan-node.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { ingestNode } from '../pipeline/source-nodes.ts';
import { checkUnetChannels, latentChannels } from '../pipeline/unet-channels.ts';
import type { RecipePart, RecipePlan, RecipeRequest } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';
import type { InstructParams } from './params.ts';

type Spec = SpecOf<'instruct-pix2pix'>;

export interface InstructJob extends DrawingJob {
  readonly task: 'instruct-pix2pix';
  readonly imageGuidanceScale: number;
  readonly models: DrawingJob['models'] & {
    /** The UNet that sees the frame to edit beside the noisy latents. */
    readonly instructUnet: PartRef;
  };
}

export const instructPix2pix: RecipePlan<Spec, InstructJob> = {
  accept,
  drawing: (request) => drawnBy(editorOf(request.models), request),
  nodes,
};

/** The authors' own, and diffusers' default. */
const IMAGE_GUIDANCE = 1.5;

const conditions = z
  .array(z.object({ imageGuidanceScale: z.number().min(1).max(100).optional() }))
  .max(1);

function editorOf({
  generators,
}: Pick<RecipeRequest<Spec>['models'], 'generators'>): Generator | undefined {
  return Object.values(generators).find(({ task }) => task === 'instruct-pix2pix');
}

function accept(request: RecipeRequest<Spec>): RecipePart<InstructJob> | undefined {
  const { spec, models, problems } = request;
  if (spec.prompt.trim() === '') {
    problems.push(
      'prompt: missing; the instruction by which frames are edited, say "make it blue"',
    );
  }
  const generator = editorOf(models);
  if (generator === undefined) {
    restingOn(problems, contentsOf('models')).push(
      `task: the models in ${models.folder} have no InstructPix2Pix UNet, with which ${spec.task} edits`,
    );
    return undefined;
  }
  const latents = latentChannels(request);
  const given = { 'noisy latents': latents, 'latents of the frame to edit': latents };
  checkUnetChannels(generator, given, request);
  const [condition] = conditionsOf(generator, conditions, request) ?? [];
  const { unet, ...others } = generatorRefs(generator, models.image);
  return {
    task: 'instruct-pix2pix',
    imageGuidanceScale: spec.imageGuidanceScale ?? condition?.imageGuidanceScale ?? IMAGE_GUIDANCE,
    ...drawingSettings(spec, models),
    models: { instructUnet: unet, ...others },
  };
}

function nodes(job: InstructJob): readonly PlanNode[] {
  const { models, task, imageGuidanceScale } = job;
  const ingest = ingestNode(job);
  const source = { node: ingest, output: 'frames' };
  const batches = ingest.layout;
  const generate = planNode('generate', {
    layout: batches,
    params: (index): InstructParams => ({
      ...drawingParams(job, batches.range(index)),
      ...{ task, imageGuidanceScale },
    }),
    models: { ...drawingRoles(models, models.instructUnet), ...encodingRole(models) },
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
