// In which forms the UNet of a node is loaded: as it is, or as what is made of it for steps that cost less (docs/samplers.md). Pure.

import { modelRuns } from '../../common/diffusion/model-runs.ts';
import type { GraphForm } from '../../common/models/graph-form.ts';
import { FREE_WEIGHTS_SHARE } from '../../common/models/graph-memory.ts';
import type { PartFacts } from '../../common/models/part-facts.ts';
import { hasWeightlessStep } from '../../recipes/controlnet/weights.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { drawingSteps } from '../../recipes/pipeline/generator-settings.ts';
import type { PlanNode } from '../../recipes/pipeline/plan-node.ts';

export interface LoadedForm {
  /** Absent: as it is. */
  readonly form?: GraphForm;
  readonly weightBytes: number;
  /** Present where it is only loaded by a lane that may fill so much. */
  readonly limitBytesMin?: number;
}

/** In the order in which a task loads them. One that cannot be made takes nothing: acceptance has refused it. */
export function formsOf(
  { stage, params }: Pick<PlanNode, 'stage' | 'params'>,
  job: AcceptedJob,
  { weightBytes, formBytes }: Pick<PartFacts, 'weightBytes' | 'formBytes'>,
): readonly LoadedForm[] {
  if (params(0)['cacheInterval'] !== undefined) {
    return [
      { form: 'deep', weightBytes },
      { form: 'shallow', weightBytes: formBytes('shallow') ?? 0 },
    ];
  }
  const freeBytes =
    stage === 'generate' && drawsFreely(job) ? formBytes('uncontrolled') : undefined;
  if (freeBytes === undefined) return [{ weightBytes }];
  const limitBytesMin = (weightBytes + freeBytes) / FREE_WEIGHTS_SHARE;
  return [{ weightBytes }, { form: 'uncontrolled', weightBytes: freeBytes, limitBytesMin }];
}

/** Whether at some step no control weighs anything. */
function drawsFreely(job: AcceptedJob): boolean {
  const isAlong = job.task === 'controlnet' || job.task === 't2i-adapter';
  return isAlong && hasWeightlessStep(job, modelRuns(job.sampler, drawingSteps(job)));
}
