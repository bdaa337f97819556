// What may not be expected of a render that can be done.

import {
  CLIPPING_HINT,
  clippingSchedulers,
  clippingText,
} from '../../common/diffusion/clipped-latents.ts';
import { partsOf } from '../../common/models/model-folder.ts';
import type { ModelSet } from '../../common/models/model-set.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { cutPrompts } from './cut-prompts.ts';

/** One line each, `field: what`. */
export async function renderWarnings(
  job: AcceptedJob,
  models: ModelSet,
): Promise<readonly string[]> {
  return [...(await cutPrompts(job, models)), ...clippingTexts(job, models)];
}

function clippingTexts(job: AcceptedJob, models: ModelSet): readonly string[] {
  const { scheduler } = job.models;
  const own = 'generatorScheduler' in job.models ? job.models.generatorScheduler : scheduler;
  const { inversion } = job;
  const uses = [
    ...('sampler' in job ? [{ ref: own, sampler: job.sampler }] : []),
    { ref: scheduler, sampler: 'ddim' as const, inversion },
  ].flatMap(({ ref, ...use }) => {
    const part = partsOf(models).find(({ digest }) => digest === ref.digest);
    return part === undefined ? [] : [{ scheduler: part, ...use }];
  });
  return clippingSchedulers(uses).map(
    ([{ configFile }, bound]) => `models: ${configFile} ${clippingText(bound)}. ${CLIPPING_HINT}`,
  );
}
