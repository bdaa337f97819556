// What may not be expected of a render that can be done.

import { CLIPPING_HINT, clippedTo, clippingText } from '../../common/diffusion/clipped-latents.ts';
import { partsOf } from '../../common/models/model-folder.ts';
import type { ModelSet } from '../../common/models/model-set.ts';
import type { SamplerName } from '../../common/stages.ts';
import type { AcceptedJob, PartRef } from '../../recipes/job.ts';
import { cutPrompts } from './cut-prompts.ts';

/** One line each, `field: what`. */
export async function renderWarnings(
  job: AcceptedJob,
  models: ModelSet,
): Promise<readonly string[]> {
  return [...(await cutPrompts(job, models)), ...clippedLatents(job, models)];
}

function clippedLatents(job: AcceptedJob, models: ModelSet): readonly string[] {
  const { scheduler } = job.models;
  const own = 'generatorScheduler' in job.models ? job.models.generatorScheduler : scheduler;
  const { inversion } = job;
  const uses: readonly (readonly [PartRef, SamplerName])[] = [
    ...('sampler' in job ? [[own, job.sampler] as const] : []),
    [scheduler, 'ddim'],
  ];
  const files = uses.flatMap(([ref, sampler]) => {
    const part = partsOf(models).find(({ digest }) => digest === ref.digest);
    const bound =
      part && clippedTo(part.config, { sampler, ...(ref === scheduler && { inversion }) });
    return bound === undefined
      ? []
      : [`models: ${part?.configFile} ${clippingText(bound)}. ${CLIPPING_HINT}`];
  });
  return [...new Set(files)];
}
