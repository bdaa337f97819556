// Whether a scheduler_config.json is of a model that was trained as Stable Diffusion was: on discrete timesteps whose noise is set by
// betas. Any sampler here would run on other configs too, by the defaults of keys that they lack, and give noise. So what says
// another kind is refused for all of them.

import { z } from 'zod';

import { nearestSampler } from './nearest-sampler.ts';

/** A key whose values, or all but some, only models of another kind have. */
const foreign = (kind: string, ordinary: readonly unknown[] = []) =>
  z
    .unknown()
    .refine((value) => value === undefined || value === null || ordinary.includes(value), {
      error: ({ input }) => `${JSON.stringify(input)} is of ${kind}, which is not supported`,
    })
    .optional();

const FLOW = 'a flow-matching model';
const EDM = 'an EDM model';

/** The keys that say so, for the schema of a whole config. */
export const kindKeys = {
  _class_name: z
    .string()
    .refine((name) => nearestSampler({ _class_name: name }) !== undefined, {
      error: ({ input }) =>
        `${JSON.stringify(input)} is of another kind of model than Stable Diffusion 1 and 2, whose noise is set by betas; ` +
        'flow matching, EDM and others are not supported',
    })
    .optional(),
  timestep_type: z.literal('discrete', 'only discrete is supported').nullish(),
  use_flow_sigmas: foreign(FLOW, [false]),
  use_dynamic_shifting: foreign(FLOW, [false]),
  shift: foreign(FLOW),
  sigma_data: foreign(EDM),
  sigma_schedule: foreign(EDM),
  snr_shift_scale: foreign('a model with shifted noise levels (CogVideoX)', [1]),
  variance_type: foreign('a model that predicts its variance too', [
    ...['fixed_small', 'fixed_small_log', 'fixed_large', 'fixed_large_log'],
  ]),
  // diffusers before 0.3 said `prediction_type` so.
  predict_epsilon: z.literal(true, 'is out of date: say prediction_type "sample"').nullish(),
};

const kindSchema = z.object(kindKeys);

/** Why a config, whatever else it says, is of another kind: `key: what`, none if it is not. */
export function kindProblems(raw: unknown): string[] {
  const issues = kindSchema.safeParse(raw).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}
