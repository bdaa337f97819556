// How a ControlNet's frames come about: the source's frames, a control signal of each, and a picture drawn along it.

import { z } from 'zod';

import type { Generator } from '../../common/models/model-set.ts';
import type { AnnotateParams } from '../../common/stages.ts';
import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import { CANNY_CONDITION, conditionsOf } from '../pipeline/generator-conditions.ts';
import { drawingRoles, generatorRefs } from '../pipeline/generator-parts.ts';
import { drawingParams, drawingSettings } from '../pipeline/generator-settings.ts';
import type { DrawingJob } from '../pipeline/generator-settings.ts';
import type { PartRef } from '../pipeline/job-base.ts';
import { framesOf, planNode } from '../pipeline/plan-node.ts';
import type { PlanNode } from '../pipeline/plan-node.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { ingestNode } from '../pipeline/source-nodes.ts';
import type { RecipePart, RecipePlan, RecipeRequest } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';
import type { ControlnetParams } from './params.ts';

type Spec = SpecOf<'controlnet'>;

export interface ControlnetJob extends DrawingJob {
  readonly task: 'controlnet';
  readonly control: AnnotateParams & { readonly scale: number };
  readonly models: DrawingJob['models'] & {
    /** The UNet with the job's ControlNet fused in. */
    readonly controlUnet: PartRef;
  };
}

export const controlnet: RecipePlan<Spec, ControlnetJob> = {
  accept,
  drawing: ({ spec, models }) => {
    const { scheduler, mixingRatio } = models.generators[spec.control.type] ?? {};
    const { sampler } = drawingSettings(spec, models);
    return { sampler, generatorScheduler: scheduler, mixingRatio };
  },
  nodes,
};

/** A graph with one ControlNet in it has one condition. */
const conditions = z.tuple([CANNY_CONDITION]);

function accept(request: RecipeRequest<Spec>): RecipePart<ControlnetJob> | undefined {
  const { spec, models, problems } = request;
  const { type, scale } = spec.control;
  const generator = models.generators[type];
  if (generator?.task !== 'controlnet') {
    const known = Object.values(models.generators).filter(({ task }) => task === 'controlnet');
    const names = known.map(({ name }) => name).join(', ') || 'none';
    problems.push(
      `control.type: the models in ${models.folder} have no ControlNet for ${type} (they have: ${names})`,
    );
    return undefined;
  }
  const [condition] = conditionsOf(generator, conditions, request) ?? [];
  if (condition === undefined) return undefined;
  const { annotator } = condition;
  const { low = condition.low, high = condition.high } = spec.control;
  if (low > high) problems.push(`control.low: ${low} is above the high threshold, ${high}`);
  return {
    task: 'controlnet',
    control: { annotator, low, high, scale },
    ...drawingSettings(spec, models),
    models: modelsOf(generator, models.image),
  };
}

function modelsOf(
  generator: Generator,
  image: Parameters<typeof generatorRefs>[1],
): RecipePart<ControlnetJob>['models'] {
  const { unet, ...others } = generatorRefs(generator, image);
  return { controlUnet: unet, ...others };
}

function nodes(job: ControlnetJob): readonly PlanNode[] {
  const { models, control: settings } = job;
  const { scale, ...annotation } = settings;
  const ingest = ingestNode(job);
  const batches = ingest.layout;
  const annotate = planNode('annotate', {
    layout: batches,
    params: () => annotation,
    inputs: { frames: framesOf({ node: ingest, output: 'frames' }, batches) },
  });
  const control = { node: annotate, output: 'control' };
  const params: ControlnetParams = {
    ...drawingParams(job),
    task: job.task,
    conditioningScale: scale,
  };
  const generate = planNode('generate', {
    layout: batches,
    params: () => params,
    models: drawingRoles(models, models.controlUnet),
    inputs: { control: framesOf(control, batches) },
  });
  const generated = { node: generate, output: 'frames' };
  const bridge = bridgeNodes(job, generated);
  const results = { generated, smoothed: bridge.smoothed };
  const measure = measureNode(job, results, { pictures: control, params: annotation });
  return [
    ...[ingest, annotate, generate, ...bridge.nodes],
    ...[measure, assembleNode(job, results, { control })],
  ];
}
