// How often a sampler asks the model, by which forecasts are made.

import type { SamplerName } from '../stages.ts';

/** In so many steps. What PNDM takes beside its steps hangs on the model's config, and is not counted. */
export function modelRuns(sampler: SamplerName, steps: number): number {
  return sampler === 'heun' ? 2 * steps - 1 : steps;
}
