// Which sampler draws as the class that saved a scheduler_config.json would, or stands nearest to it. The classes that are known here are
// diffusers' schedulers of models whose noise is set by betas (0.42: those that it calls compatible with DDIM's, without EDM's and
// CogVideoX's, which shifts its noise levels; and RePaint's, LCM's and TCD's, whose levels are the same).

import { SAMPLERS } from '../stages.ts';
import type { SamplerName } from '../stages.ts';
import { FACTS } from './scheduler-facts.ts';

/** diffusers' JAX twins of these classes begin so. */
const TWIN = /^Flax/;

export interface NearestSampler {
  readonly className: string;
  readonly sampler: SamplerName;
  /** What they have in common and not, as in "it …", of the sampler; absent where it is the class's own. */
  readonly difference?: string;
}

/** Of the classes that have no sampler of their own. */
const OTHERS: Readonly<Record<string, readonly [SamplerName, string]>> = {
  DDIMInverseScheduler: ['ddim', 'goes back the way of this inversion'],
  DDIMParallelScheduler: ['ddim', 'takes the same steps'],
  DDPMParallelScheduler: [
    'euler-ancestral',
    'adds fresh noise at each step too, and needs fewer steps',
  ],
  DDPMScheduler: ['euler-ancestral', 'adds fresh noise at each step too, and needs fewer steps'],
  DPMSolverMultistepInverseScheduler: ['dpm-solver++', 'goes back the way of this inversion'],
  DPMSolverSDEScheduler: [
    'euler-ancestral',
    'adds fresh noise at each step too, and is of the first order',
  ],
  DPMSolverSinglestepScheduler: [
    'dpm-solver++',
    'solves the same equation, by what earlier steps saw',
  ],
  KDPM2AncestralDiscreteScheduler: [
    'euler-ancestral',
    'adds fresh noise at each step too, and is of the first order',
  ],
  KDPM2DiscreteScheduler: ['heun', 'is of the second order too, and asks the model as often'],
  LMSDiscreteScheduler: ['deis', 'is a linear multi-step method too'],
  RePaintScheduler: [
    'euler-ancestral',
    'adds fresh noise at each step too, and goes back for none',
  ],
  SASolverScheduler: ['unipc', 'predicts and corrects too, and adds no noise'],
  TCDScheduler: ['lcm', 'is for distilled models too'],
};

/** Undefined where the config names no class, or one of another kind of model. */
export function nearestSampler(config: unknown): NearestSampler | undefined {
  if (typeof config !== 'object' || config === null || !('_class_name' in config)) return undefined;
  const { _class_name: name } = config;
  if (typeof name !== 'string') return undefined;
  const className = name.replace(TWIN, '');
  const own = SAMPLERS.find((sampler) => FACTS[sampler].className === className);
  if (own !== undefined) return { className, sampler: own };
  const other = OTHERS[className];
  if (other === undefined) return undefined;
  const [sampler, difference] = other;
  return { className, sampler, difference };
}
