// How the frames of ControlNets come about.

import type { RecipePlan } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';
import { acceptControls, controlPanels, drawingAlong } from './control-jobs.ts';
import type { ControlledJob } from './control-jobs.ts';
import { controlNodes } from './control-nodes.ts';
import { acceptControlVideo, drawingTogether } from './controlvideo.ts';

export type ControlnetJob = ControlledJob<'controlnet'>;

const KIND = { task: 'controlnet', called: 'ControlNet' } as const;

export const controlnet: RecipePlan<SpecOf<'controlnet'>, ControlnetJob> = {
  accept: (request) =>
    isTogether(request) ? acceptControlVideo(request) : acceptControls(KIND, request),
  drawing: (request) =>
    isTogether(request) ? drawingTogether(request) : drawingAlong(KIND, request),
  isBridged: (spec) => !isTogether({ spec }),
  panels: controlPanels,
  nodes: controlNodes,
};

function isTogether({ spec }: { readonly spec: SpecOf<'controlnet'> }): boolean {
  return spec.method === 'controlvideo';
}
