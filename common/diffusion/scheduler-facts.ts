// What differs between diffusers' classes of samplers: the defaults of their keys, which keys they read, and what they can do.

import type { SamplerName } from '../stages.ts';

export type Algorithm = SamplerName | 'ddim-inverse' | 'bivdiff-inverse';
export type PredictionType = 'epsilon' | 'sample' | 'v_prediction';
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';

/** Keys of a scheduler_config.json that some classes read and others do not; each group's are in scheduler-keys.ts. */
export type KeyGroup =
  | 'spacing'
  | 'clipping'
  | 'thresholding'
  | 'multistep'
  | 'algorithm'
  | 'dpm'
  | 'unipc'
  | 'sigmas'
  | 'final sigma'
  | 'sigma bounds'
  | 'interpolation'
  | 'consistency'
  | 'skip_prk_steps';

export interface Facts {
  /** In diffusers. */
  readonly className: string;
  readonly predictions: readonly [PredictionType, ...PredictionType[]];
  readonly spacings: readonly [TimestepSpacing, ...TimestepSpacing[]];
  readonly defaultSpacing: TimestepSpacing;
  /** Default of set_alpha_to_one. */
  readonly alphaToOne: boolean;
  /** Default of clip_sample, if it reads that. */
  readonly clips: boolean;
  readonly betas: {
    readonly start: number;
    readonly end: number;
    readonly schedule: 'linear' | 'scaled_linear';
  };
  /** What else it reads of the config, besides the betas and the keys above. */
  readonly reads: ReadonlySet<KeyGroup>;
  readonly zeroSnr: boolean;
  /** Whether it takes timesteps of a list. */
  readonly ownTimesteps: boolean;
  /** Words for its own solver_type, the default first, and those of other solvers, which mean the default. */
  readonly solverTypes: readonly [SolverType, ...SolverType[]];
  /** Values of algorithm_type that mean what it does. */
  readonly algorithms: readonly [string, ...string[]];
}

export type SolverType = 'midpoint' | 'heun' | 'bh1' | 'bh2';

const ALL_PREDICTIONS = ['epsilon', 'sample', 'v_prediction'] as const;
const ALL_SPACINGS = ['leading', 'trailing', 'linspace'] as const;

/** Of most. */
const COMMON = {
  predictions: ALL_PREDICTIONS,
  spacings: ALL_SPACINGS,
  alphaToOne: false,
  clips: true,
  betas: { start: 0.0001, end: 0.02, schedule: 'linear' },
  zeroSnr: true,
  ownTimesteps: false,
  solverTypes: ['midpoint'],
  algorithms: ['dpmsolver++'],
} as const;

export const FACTS: Readonly<Record<Algorithm, Facts>> = {
  ddim: {
    ...COMMON,
    className: 'DDIMScheduler',
    defaultSpacing: 'leading',
    alphaToOne: true,
    reads: new Set(['spacing', 'clipping', 'thresholding']),
  },
  'ddim-inverse': {
    ...COMMON,
    className: 'DDIMInverseScheduler',
    defaultSpacing: 'leading',
    alphaToOne: true,
    reads: new Set(['spacing', 'clipping']),
  },
  // BIVDiff's class is older than spacings and zero SNR, and its step takes every output for noise.
  'bivdiff-inverse': {
    ...COMMON,
    className: 'DDIMScheduler',
    predictions: ['epsilon'],
    spacings: ['leading'],
    defaultSpacing: 'leading',
    alphaToOne: true,
    reads: new Set(['spacing']),
    zeroSnr: false,
  },
  pndm: {
    ...COMMON,
    className: 'PNDMScheduler',
    predictions: ['epsilon', 'v_prediction'],
    defaultSpacing: 'leading',
    reads: new Set(['spacing', 'skip_prk_steps']),
    zeroSnr: false,
  },
  euler: {
    ...COMMON,
    className: 'EulerDiscreteScheduler',
    ownTimesteps: true,
    defaultSpacing: 'linspace',
    reads: new Set(['spacing', 'sigmas', 'final sigma', 'sigma bounds', 'interpolation']),
  },
  'euler-ancestral': {
    ...COMMON,
    className: 'EulerAncestralDiscreteScheduler',
    predictions: ['epsilon', 'v_prediction'],
    defaultSpacing: 'linspace',
    reads: new Set(['spacing']),
  },
  heun: {
    ...COMMON,
    className: 'HeunDiscreteScheduler',
    ownTimesteps: true,
    defaultSpacing: 'linspace',
    clips: false,
    betas: { start: 0.00085, end: 0.012, schedule: 'linear' },
    reads: new Set(['spacing', 'clipping', 'sigmas']),
    zeroSnr: false,
  },
  'dpm-solver++': {
    ...COMMON,
    className: 'DPMSolverMultistepScheduler',
    ownTimesteps: true,
    defaultSpacing: 'linspace',
    reads: new Set([
      ...(['spacing', 'thresholding', 'multistep', 'algorithm', 'dpm'] as const),
      ...(['sigmas', 'final sigma'] as const),
    ]),
    solverTypes: ['midpoint', 'heun'],
  },
  unipc: {
    ...COMMON,
    className: 'UniPCMultistepScheduler',
    defaultSpacing: 'linspace',
    reads: new Set([
      ...(['spacing', 'thresholding', 'multistep', 'unipc'] as const),
      ...(['sigmas', 'final sigma', 'sigma bounds'] as const),
    ]),
    solverTypes: ['bh2', 'bh1'],
  },
  deis: {
    ...COMMON,
    className: 'DEISMultistepScheduler',
    defaultSpacing: 'linspace',
    reads: new Set(['spacing', 'thresholding', 'multistep', 'algorithm', 'sigmas']),
    zeroSnr: false,
    algorithms: ['deis', 'dpmsolver', 'dpmsolver++'],
  },
  // Its timesteps are those of the distillation, whatever the spacing.
  lcm: {
    ...COMMON,
    className: 'LCMScheduler',
    ownTimesteps: true,
    defaultSpacing: 'leading',
    alphaToOne: true,
    clips: false,
    betas: { start: 0.00085, end: 0.012, schedule: 'scaled_linear' },
    reads: new Set(['clipping', 'thresholding', 'consistency']),
  },
};
