// Reads a scheduler_config.json as diffusers' class of that algorithm would, with that class's defaults for keys that are
// missing. Keys it does not know are ignored; values that it cannot honour are all named in one error.

import { BivdiffError } from '../errors.ts';
import { FACTS } from './scheduler-facts.ts';
import type { Algorithm, PredictionType, TimestepSpacing } from './scheduler-facts.ts';
import { schemaOf, unreadKeys } from './scheduler-keys.ts';
import type { SchedulerKeys } from './scheduler-keys.ts';

export type { Algorithm, PredictionType, TimestepSpacing } from './scheduler-facts.ts';
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
  readonly consistency: ConsistencyConfig;
}

/** Which noise levels are visited: those of the spaced timesteps, or others between the largest and the smallest of them. */
export type SigmaSpacing = 'training' | 'karras' | 'exponential' | 'beta';

/** Of samplers that solve the ODE of denoising from one noise level to the next. */
export interface SolverConfig {
  readonly order: 1 | 2 | 3;
  /** Of DPM-Solver++ the first two, of UniPC the last two. */
  readonly type: 'midpoint' | 'heun' | 'bh1' | 'bh2';
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  readonly sigmaSpacing: SigmaSpacing;
  readonly finalSigmasType: 'zero' | 'sigma_min';
  /** Timesteps whose log signal-to-noise ratio, halved, is below this are left out. */
  readonly lambdaMinClipped: number;
  /** UniPC's steps after which the state is not corrected. */
  readonly uncorrectedSteps: readonly number[];
}

/** How a latent consistency model was distilled. */
export interface ConsistencyConfig {
  /** Steps of the sampler that it was distilled from: it knows their timesteps alone. */
  readonly originalSteps: number;
  readonly timestepScaling: number;
}

/** @throws invalid-argument — names every value that is wrong, or that the algorithm cannot honour */
export function readSchedulerConfig(raw: unknown, algorithm: Algorithm): SchedulerConfig {
  const result = schemaOf(algorithm).safeParse(withoutUnread(algorithm, raw));
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

/** Leaves out what the algorithm does not read, so that it may have any value. */
function withoutUnread(algorithm: Algorithm, raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const unread = unreadKeys(algorithm);
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !unread.has(key)));
}

function configFrom(keys: SchedulerKeys, algorithm: Algorithm): SchedulerConfig {
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
      sigmaSpacing: sigmaSpacingOf(keys),
      finalSigmasType: keys.final_sigmas_type,
      lambdaMinClipped: keys.lambda_min_clipped,
      uncorrectedSteps: keys.disable_corrector,
    },
    consistency: {
      originalSteps: keys.original_inference_steps,
      timestepScaling: keys.timestep_scaling,
    },
  };
}

function sigmaSpacingOf(keys: SchedulerKeys): SigmaSpacing {
  if (keys.use_karras_sigmas === true) return 'karras';
  if (keys.use_exponential_sigmas === true) return 'exponential';
  return keys.use_beta_sigmas === true ? 'beta' : 'training';
}
