// Timesteps that a user lists, in place of those that a scheduler_config.json spaces: which samplers take them, and which they may be (diffusers,
// set_timesteps with `timesteps`).

import { BivdiffError } from '../errors.ts';
import type { SamplerName } from '../stages.ts';
import { FACTS } from './scheduler-facts.ts';
import { readSchedulerConfig } from './scheduler-config.ts';

/** @throws invalid-argument — the sampler takes none, or the config's noise levels are spaced otherwise, or they are not of the training */
export function requireOwnTimesteps(
  sampler: SamplerName,
  rawConfig: unknown,
  timesteps: readonly number[],
): void {
  const { trainSteps, solver } = readSchedulerConfig(rawConfig, sampler);
  const problems: string[] = [];
  if (!FACTS[sampler].ownTimesteps) problems.push(`${sampler} takes no timesteps of a list`);
  if (solver.sigmaSpacing !== 'training') {
    const key = `use_${solver.sigmaSpacing}_sigmas`;
    problems.push(`${key} spaces noise levels without timesteps of a list`);
  }
  const isDescending = timesteps.every((time, i) => i === 0 || time < timesteps[i - 1]!);
  if (timesteps.length === 0 || !isDescending) problems.push('timesteps have to descend');
  const outside = timesteps.find(
    (time) => !(Number.isInteger(time) && time >= 0 && time < trainSteps),
  );
  if (outside !== undefined) {
    problems.push(`timestep ${outside} is none of the training, 0 to ${trainSteps - 1}`);
  }
  if (problems.length === 0) return;
  throw new BivdiffError(
    'invalid-argument',
    `${sampler} cannot draw at these timesteps: ${problems.join('; ')}`,
    {
      hint: 'Leave the list of timesteps out, or choose another sampler.',
      details: { sampler, problems },
    },
  );
}
