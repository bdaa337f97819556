// The keys of a scheduler_config.json, what they may say to each algorithm, and which of them it reads at all.

import { z } from 'zod';

import { kindKeys } from './model-kind.ts';
import { FACTS } from './scheduler-facts.ts';
import type { Algorithm, Facts, KeyGroup } from './scheduler-facts.ts';

export type SchedulerKeys = z.output<ReturnType<typeof schemaFor>>;

const words = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, {
    error: ({ input }) => `${JSON.stringify(input)} is not one of ${values.join(', ')}`,
  });
const flag = (value: boolean) => z.boolean().default(value);
const off = z.literal(false, 'is not supported').nullish();
const absent = z.null('is not supported').optional();

// Python writes infinities, which are no JSON: who parses the file makes a string of them (models/python-json.ts).
const orInfinite = (numbers: z.ZodNumber, infinity: number) =>
  z.union([numbers, z.literal([infinity, String(infinity)]).transform(() => infinity)], {
    error: ({ input }) => `${JSON.stringify(input)} is no such number`,
  });
/** What may be infinite, and then bounds nothing. */
const bound = (value: number) => orInfinite(z.number().positive(), Infinity).default(value);

const betaKeys = ({ betas }: Facts) => ({
  num_train_timesteps: z.int().min(2).max(100_000).default(1000),
  beta_start: z.number().positive().lt(1).default(betas.start),
  beta_end: z.number().positive().lt(1).default(betas.end),
  beta_schedule: words(['linear', 'scaled_linear', 'squaredcos_cap_v2']).default(betas.schedule),
  trained_betas: z.array(z.number().positive().lt(1)).min(2).nullish(),
});

/** diffusers' solvers read each other's configs: a solver_type that only another has means their own default. */
const SOLVER_TYPES = ['midpoint', 'heun', 'bh1', 'bh2', 'logrho'] as const;

function solverType({ solverTypes }: Facts) {
  const [standard] = solverTypes;
  return words(SOLVER_TYPES)
    .default(standard)
    .transform((word) => solverTypes.find((own) => own === word) ?? standard);
}

const groupsOf = (facts: Facts) =>
  ({
    spacing: {
      timestep_spacing: words(facts.spacings).default(facts.defaultSpacing),
      steps_offset: z.int().min(0).default(0),
    },
    clipping: { clip_sample: flag(facts.clips), clip_sample_range: bound(1) },
    thresholding: {
      thresholding: flag(false),
      dynamic_thresholding_ratio: z.number().min(0).max(1).default(0.995),
      sample_max_value: bound(1),
    },
    multistep: {
      solver_order: z.literal([1, 2, 3]).default(2),
      solver_type: solverType(facts),
      lower_order_final: flag(true),
    },
    algorithm: { algorithm_type: words(facts.algorithms).default(facts.algorithms[0]) },
    dpm: {
      euler_at_final: flag(false),
      use_lu_lambdas: off,
      lambda_min_clipped: orInfinite(z.number(), -Infinity)
        .nullish()
        .transform((value) => value ?? -Infinity),
    },
    unipc: {
      predict_x0: z.literal(true, 'false is not supported').default(true),
      disable_corrector: z.array(z.int()).default([]),
      solver_p: absent,
      shift_terminal: absent,
    },
    sigmas: {
      use_karras_sigmas: z.boolean().nullish(),
      use_exponential_sigmas: z.boolean().nullish(),
      use_beta_sigmas: z.boolean().nullish(),
    },
    'final sigma': { final_sigmas_type: words(['zero', 'sigma_min']).default('zero') },
    'sigma bounds': { sigma_min: absent, sigma_max: absent },
    interpolation: { interpolation_type: words(['linear']).default('linear') },
    consistency: {
      original_inference_steps: z.int().min(1).default(50),
      timestep_scaling: z.number().positive().default(10),
    },
    skip_prk_steps: { skip_prk_steps: flag(false) },
  }) satisfies Readonly<Record<KeyGroup, z.ZodRawShape>>;

function schemaFor(algorithm: Algorithm) {
  const facts = FACTS[algorithm];
  const groups = groupsOf(facts);
  const keys = z.object({
    ...kindKeys,
    ...betaKeys(facts),
    ...groups.spacing,
    ...groups.clipping,
    ...groups.thresholding,
    ...groups.multistep,
    ...groups.algorithm,
    ...groups.dpm,
    ...groups.unipc,
    ...groups.sigmas,
    ...groups['final sigma'],
    ...groups['sigma bounds'],
    ...groups.interpolation,
    ...groups.consistency,
    ...groups.skip_prk_steps,
    prediction_type: words(facts.predictions).default('epsilon'),
    set_alpha_to_one: flag(facts.alphaToOne),
    rescale_betas_zero_snr: flag(false).refine((on) => facts.zeroSnr || !on, 'is not supported'),
  });
  return (
    keys
      .refine(
        ({ trained_betas: given, num_train_timesteps: count }) => !given || given.length === count,
        { path: ['trained_betas'], error: 'has not one value for each of num_train_timesteps' },
      )
      .refine(
        (all) =>
          [all.use_karras_sigmas, all.use_exponential_sigmas, all.use_beta_sigmas].filter(Boolean)
            .length < 2,
        { path: ['use_karras_sigmas'], error: 'only one of the use_…_sigmas can be true' },
      )
      .refine(
        (all) => algorithm !== 'lcm' || all.original_inference_steps <= all.num_train_timesteps,
        { path: ['original_inference_steps'], error: 'is more than num_train_timesteps' },
      )
      // Its formulas divide by the distance to a state without noise, which is infinite (diffusers gives NaN).
      .refine(
        (all) =>
          !(algorithm === 'unipc' && all.final_sigmas_type === 'zero' && all.solver_type === 'bh1'),
        { path: ['solver_type'], error: 'bh1 needs final_sigmas_type sigma_min' },
      )
      .refine(
        (all) =>
          !(algorithm === 'unipc' && all.final_sigmas_type === 'zero') ||
          all.lower_order_final ||
          all.solver_order === 1,
        { path: ['lower_order_final'], error: 'false needs final_sigmas_type sigma_min' },
      )
  );
}

const SCHEMAS = new Map<Algorithm, ReturnType<typeof schemaFor>>();

/** Of the keys that an algorithm reads. Keys that are missing have its class's defaults. */
export function schemaOf(algorithm: Algorithm): ReturnType<typeof schemaFor> {
  const known = SCHEMAS.get(algorithm);
  if (known !== undefined) return known;
  const made = schemaFor(algorithm);
  SCHEMAS.set(algorithm, made);
  return made;
}

/** Keys that the algorithm does not read, so that they may have any value. */
export function unreadKeys(algorithm: Algorithm): ReadonlySet<string> {
  const facts = FACTS[algorithm];
  const unread = Object.entries(groupsOf(facts)).filter(
    ([group]) => !facts.reads.has(group as KeyGroup),
  );
  return new Set(unread.flatMap(([, keys]) => Object.keys(keys)));
}
