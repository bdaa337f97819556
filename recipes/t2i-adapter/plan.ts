// How the frames of T2I-Adapters come about: as those of ControlNets, with another generator.

import { acceptControls, controlPanels, drawingAlong } from '../controlnet/control-jobs.ts';
import type { ControlledJob } from '../controlnet/control-jobs.ts';
import { controlNodes } from '../controlnet/control-nodes.ts';
import type { RecipePlan } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';

export type T2iAdapterJob = ControlledJob<'t2i-adapter'>;

const KIND = { task: 't2i-adapter', called: 'T2I-Adapter' } as const;

export const t2iAdapter: RecipePlan<SpecOf<'t2i-adapter'>, T2iAdapterJob> = {
  accept: (request) => acceptControls(KIND, request),
  drawing: (request) => drawingAlong(KIND, request),
  panels: controlPanels,
  nodes: controlNodes,
};
