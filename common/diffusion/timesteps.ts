// Which of the training's timesteps a run of n steps visits (arXiv 2305.08891, table 2), rounded as numpy rounds.

import { BivdiffError } from '../errors.ts';
import { unfitSteps } from './scheduler-config.ts';
import type { Algorithm, SchedulerConfig } from './scheduler-config.ts';

/** Ascending and whole, as DDIM and PNDM space them (diffusers, scheduling_ddim.py, set_timesteps). */
export function trainingTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { timestepSpacing, trainSteps, stepsOffset } = config;
  switch (timestepSpacing) {
    case 'leading':
      return leading(steps, Math.floor(trainSteps / steps)).map((time) => time + stepsOffset);
    case 'trailing':
      return trailing(trainSteps, steps, trainSteps / steps).reverse();
    case 'linspace':
      return evenlySpaced(trainSteps - 1, steps).map(roundHalfToEven);
  }
}

/** 0, ratio, 2 ratio and on, `count` of them. */
export function leading(count: number, ratio: number): number[] {
  return Array.from({ length: count }, (_, i) => i * ratio);
}

/**
 * end - 1 downwards by `ratio`, rounded. numpy's arange, which diffusers counts with, ends one entry late for some step
 * counts (61, 103, ...), at the timestep -1: that entry is left out here.
 */
export function trailing(end: number, count: number, ratio: number): number[] {
  const step = end - ratio - end;
  return Array.from({ length: count }, (_, i) => roundHalfToEven(end + i * step) - 1);
}

/** `count` numbers from 0 to `last`, as numpy's linspace. */
export function evenlySpaced(last: number, count: number): number[] {
  if (count === 1) return [0];
  const step = last / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? last : i * step));
}

/** numpy's round: halves go to the even neighbour. */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** @throws invalid-argument — not a whole number from 1 to the training's steps */
export function requireStepCount(steps: number, trainSteps: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= trainSteps) return;
  const problem = `the model was trained on ${trainSteps} timesteps, and each step needs one`;
  throw new BivdiffError('invalid-argument', `${steps} steps cannot be sampled: ${problem}`, {
    hint: `Give a whole number from 1 to ${trainSteps}.`,
    details: { steps, problems: [problem] },
  });
}

/** @throws invalid-argument — steps_offset or a coarse spacing led outside of the training's timesteps */
export function requireTrained(
  timesteps: readonly number[],
  config: SchedulerConfig,
  { algorithm, steps }: { readonly algorithm: Algorithm; readonly steps: number },
): void {
  const outside = timesteps.find((time) => time < 0 || time > config.trainSteps - 1);
  if (outside === undefined) return;
  throw unfitSteps(
    algorithm,
    steps,
    `with timestep_spacing ${config.timestepSpacing} and steps_offset ${config.stepsOffset} they visit ` +
      `timestep ${outside}, outside 0..${config.trainSteps - 1}`,
  );
}
