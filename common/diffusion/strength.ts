// From the middle of a sampler's steps: how many of them a strength means, and the state that they begin with (SDEdit, arXiv 2108.01073;
// diffusers' pipelines from image to image).

import { cumulativeAlphas } from './noise-schedule.ts';
import { weightedSum } from './predicted-sample.ts';
import { readSchedulerConfig } from './scheduler-config.ts';

const { fround, sqrt } = Math;

/** The last so many of `steps`; none if the strength is less than one step's share. `strength`: 0..1, 1 means all. */
export function stepsOfStrength(steps: number, strength: number): number {
  return Math.min(Math.trunc(steps * strength), steps);
}

export interface Noising {
  /** Of the scheduler whose sampler goes on from there. */
  readonly config: unknown;
  /** One of its training timesteps. */
  readonly timestep: number;
}

/** A clean sample as it is at a timestep: sqrt(abar) of it and sqrt(1 - abar) of standard normals of its length. */
export function addNoise(
  clean: Float32Array,
  noise: Float32Array,
  { config, timestep }: Noising,
): Float32Array {
  const alpha = cumulativeAlphas(readSchedulerConfig(config, 'ddim'))[timestep]!;
  return weightedSum(fround(sqrt(alpha)), clean, fround(sqrt(fround(1 - alpha))), noise);
}
