// Reads a scheduler_config.json as diffusers' class of that algorithm would, with that class's defaults for keys that are
// missing. Keys it does not know are ignored; values that it cannot honour are all named in one error.

import { z } from 'zod';

import { BivdiffError } from '../errors.ts';
import { kindKeys } from './model-kind.ts';

export type Algorithm =
  'ddim' | 'pndm' | 'euler-ancestral' | 'dpm-solver++' | 'ddim-inverse' | 'bivdiff-inverse';
export type PredictionType = 'epsilon' | 'sample' | 'v_prediction';
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';
export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';

/** Dynamic thresholding of the predicted clean sample (Imagen, arXiv 2205.11487, section 2.3). */
export interface Threshold {
  /** Quantile of a sample's magnitudes, 0..1. */
  readonly ratio: number;
  readonly valueMax: number;
}

/** How a model was trained to be denoised. */
export interface SchedulerConfig {
  readonly trainSteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: BetaSchedule;
  /** Replaces the three above. */
  readonly trainedBetas: readonly number[] | null;
  readonly rescaleBetasZeroSnr: boolean;
  readonly predictionType: PredictionType;
  readonly timestepSpacing: TimestepSpacing;
  readonly stepsOffset: number;
  readonly setAlphaToOne: boolean;
  readonly threshold: Threshold | null;
  /** The predicted clean sample is clipped to plus and minus this. */
  readonly clipRange: number | null;
  readonly skipPrkSteps: boolean;
  readonly solver: SolverConfig;
}

/** DPM-Solver++ alone. */
export interface SolverConfig {
  readonly order: 1 | 2 | 3;
  readonly type: 'midpoint' | 'heun';
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  readonly useKarrasSigmas: boolean;
  readonly finalSigmasType: 'zero' | 'sigma_min';
  /** Timesteps whose log signal-to-noise ratio, halved, is below this are left out. */
  readonly lambdaMinClipped: number;
}

/** @throws invalid-argument — names every value that is wrong, or that the algorithm cannot honour */
export function readSchedulerConfig(raw: unknown, algorithm: Algorithm): SchedulerConfig {
  const result = SCHEMAS[algorithm].safeParse(keysReadBy(algorithm, raw));
  if (result.success) return configFrom(result.data, algorithm);
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw unfitConfig(algorithm, problems);
}

/** The error for a model's scheduler_config.json that an algorithm cannot run with. */
export function unfitConfig(algorithm: Algorithm, problems: readonly string[]): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `the model's scheduler_config.json does not fit ${algorithm}: ${problems.join('; ')}`,
    {
      hint: "Choose another sampler, inversion mode or step count, or correct the model's scheduler folder.",
      details: { algorithm, problems },
    },
  );
}

/** The error for a number of steps that an algorithm cannot take with a model's scheduler_config.json; others it may. */
export function unfitSteps(algorithm: Algorithm, steps: number, problem: string): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `${steps} steps do not fit ${algorithm}: ${problem}`,
    {
      hint: "Choose another step count or sampler, or correct the model's scheduler folder.",
      details: { algorithm, steps, problems: [problem] },
    },
  );
}

interface Facts {
  readonly predictions: readonly [PredictionType, ...PredictionType[]];
  readonly spacings: readonly [TimestepSpacing, ...TimestepSpacing[]];
  readonly defaultSpacing: TimestepSpacing;
  /** Default of set_alpha_to_one. */
  readonly alphaToOne: boolean;
  /** What else it reads of the config, besides the betas and the keys above. */
  readonly reads: ReadonlySet<'clipping' | 'thresholding' | 'solver' | 'skip_prk_steps'>;
  readonly zeroSnr: boolean;
}

const ALL_PREDICTIONS = ['epsilon', 'sample', 'v_prediction'] as const;
const ALL_SPACINGS = ['leading', 'trailing', 'linspace'] as const;

/** What differs between diffusers' classes: their defaults, and what they can do. */
const FACTS: Readonly<Record<Algorithm, Facts>> = {
  ddim: {
    predictions: ALL_PREDICTIONS,
    spacings: ALL_SPACINGS,
    defaultSpacing: 'leading',
    alphaToOne: true,
    reads: new Set(['clipping', 'thresholding']),
    zeroSnr: true,
  },
  'ddim-inverse': {
    predictions: ALL_PREDICTIONS,
    spacings: ['leading', 'trailing'],
    defaultSpacing: 'leading',
    alphaToOne: true,
    reads: new Set(['clipping']),
    zeroSnr: true,
  },
  // BIVDiff's class is older than spacings and zero SNR, and its step takes every output for noise.
  'bivdiff-inverse': {
    predictions: ['epsilon'],
    spacings: ['leading'],
    defaultSpacing: 'leading',
    alphaToOne: true,
    reads: new Set(),
    zeroSnr: false,
  },
  pndm: {
    predictions: ['epsilon', 'v_prediction'],
    spacings: ALL_SPACINGS,
    defaultSpacing: 'leading',
    alphaToOne: false,
    reads: new Set(['skip_prk_steps']),
    zeroSnr: false,
  },
  'euler-ancestral': {
    predictions: ['epsilon', 'v_prediction'],
    spacings: ALL_SPACINGS,
    defaultSpacing: 'linspace',
    alphaToOne: false,
    reads: new Set(),
    zeroSnr: true,
  },
  'dpm-solver++': {
    predictions: ALL_PREDICTIONS,
    spacings: ALL_SPACINGS,
    defaultSpacing: 'linspace',
    alphaToOne: false,
    reads: new Set(['thresholding', 'solver']),
    zeroSnr: true,
  },
};

const words = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, {
    error: ({ input }) => `${JSON.stringify(input)} is not one of ${values.join(', ')}`,
  });
const flag = (value: boolean) => z.boolean().default(value);
const off = z.literal(false, 'is not supported').nullish();

// Python writes infinities, which are no JSON: who parses the file makes a string of them (models/python-json.ts).
const orInfinite = (numbers: z.ZodNumber, infinity: number) =>
  z.union([numbers, z.literal([infinity, String(infinity)]).transform(() => infinity)], {
    error: ({ input }) => `${JSON.stringify(input)} is no such number`,
  });
/** What may be infinite, and then bounds nothing. */
const bound = (value: number) => orInfinite(z.number().positive(), Infinity).default(value);

const betaKeys = {
  num_train_timesteps: z.int().min(2).max(100_000).default(1000),
  beta_start: z.number().positive().lt(1).default(0.0001),
  beta_end: z.number().positive().lt(1).default(0.02),
  beta_schedule: words(['linear', 'scaled_linear', 'squaredcos_cap_v2']).default('linear'),
  trained_betas: z.array(z.number().positive().lt(1)).min(2).nullish(),
  steps_offset: z.int().min(0).default(0),
};

const clippingKeys = {
  clip_sample: flag(true),
  clip_sample_range: bound(1),
};

const thresholdingKeys = {
  thresholding: flag(false),
  dynamic_thresholding_ratio: z.number().min(0).max(1).default(0.995),
  sample_max_value: bound(1),
};

const solverKeys = {
  algorithm_type: words(['dpmsolver++']).default('dpmsolver++'),
  solver_order: z.literal([1, 2, 3]).default(2),
  solver_type: words(['midpoint', 'heun']).default('midpoint'),
  lower_order_final: flag(true),
  euler_at_final: flag(false),
  use_karras_sigmas: z.boolean().nullish(),
  use_exponential_sigmas: off,
  use_beta_sigmas: off,
  use_lu_lambdas: off,
  final_sigmas_type: words(['zero', 'sigma_min']).default('zero'),
  lambda_min_clipped: orInfinite(z.number(), -Infinity)
    .nullish()
    .transform((value) => value ?? -Infinity),
};

function schemaFor(algorithm: Algorithm) {
  const { predictions, spacings, defaultSpacing, alphaToOne, zeroSnr } = FACTS[algorithm];
  const keys = z.object({
    ...kindKeys,
    ...betaKeys,
    ...clippingKeys,
    ...thresholdingKeys,
    ...solverKeys,
    prediction_type: words(predictions).default('epsilon'),
    timestep_spacing: words(spacings).default(defaultSpacing),
    set_alpha_to_one: flag(alphaToOne),
    rescale_betas_zero_snr: flag(false).refine((on) => zeroSnr || !on, 'is not supported'),
    skip_prk_steps: flag(false),
  });
  return keys.refine(
    ({ trained_betas: given, num_train_timesteps: count }) => !given || given.length === count,
    { path: ['trained_betas'], error: 'has not one value for each of num_train_timesteps' },
  );
}

const SCHEMAS: Readonly<Record<Algorithm, ReturnType<typeof schemaFor>>> = {
  ddim: schemaFor('ddim'),
  'ddim-inverse': schemaFor('ddim-inverse'),
  'bivdiff-inverse': schemaFor('bivdiff-inverse'),
  pndm: schemaFor('pndm'),
  'euler-ancestral': schemaFor('euler-ancestral'),
  'dpm-solver++': schemaFor('dpm-solver++'),
};

/** Leaves out what the algorithm does not read, so that it may have any value. */
function keysReadBy(algorithm: Algorithm, raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const { reads } = FACTS[algorithm];
  const unread = new Set([
    ...(reads.has('clipping') ? [] : Object.keys(clippingKeys)),
    ...(reads.has('thresholding') ? [] : Object.keys(thresholdingKeys)),
    ...(reads.has('solver') ? [] : Object.keys(solverKeys)),
    ...(reads.has('skip_prk_steps') ? [] : ['skip_prk_steps']),
  ]);
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !unread.has(key)));
}

function configFrom(
  keys: z.output<ReturnType<typeof schemaFor>>,
  algorithm: Algorithm,
): SchedulerConfig {
  const clips = FACTS[algorithm].reads.has('clipping') && keys.clip_sample;
  return {
    trainSteps: keys.num_train_timesteps,
    betaStart: keys.beta_start,
    betaEnd: keys.beta_end,
    betaSchedule: keys.beta_schedule,
    trainedBetas: keys.trained_betas ?? null,
    rescaleBetasZeroSnr: keys.rescale_betas_zero_snr,
    predictionType: keys.prediction_type,
    timestepSpacing: keys.timestep_spacing,
    stepsOffset: keys.steps_offset,
    setAlphaToOne: keys.set_alpha_to_one,
    threshold: keys.thresholding
      ? { ratio: keys.dynamic_thresholding_ratio, valueMax: keys.sample_max_value }
      : null,
    clipRange: clips ? keys.clip_sample_range : null,
    skipPrkSteps: keys.skip_prk_steps,
    solver: {
      order: keys.solver_order,
      type: keys.solver_type,
      lowerOrderFinal: keys.lower_order_final,
      eulerAtFinal: keys.euler_at_final,
      useKarrasSigmas: keys.use_karras_sigmas ?? false,
      finalSigmasType: keys.final_sigmas_type,
      lambdaMinClipped: keys.lambda_min_clipped,
    },
  };
}
