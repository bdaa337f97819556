// By which strategy a job's frames are bridged: the mixing ratio of its inversions, or how far frames are noised that are not inverted. Pure.

import { stepsOfStrength } from '../../common/diffusion/strength.ts';
import { restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { JobBase } from '../../recipes/pipeline/job-base.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

/** Half way and a little: less keeps the flicker, more the prompt alone. */
const STRENGTH_DEFAULT = 0.6;
/** Strategies that are a mixing ratio. */
const RATIOS = { 'image-only': 1, 'video-only': 0 } as const;

export interface BridgingRequest {
  readonly spec: Pick<RenderSpec, 'bridging' | 'mixingRatio' | 'inversion'>;
  readonly defaults: { readonly mixingRatio: number };
  readonly steps: number;
  /** Takes what does not fit: `field: what`. */
  readonly problems: ProblemSink;
  /** What the number of steps rests on. @default nothing that could be wrong */
  readonly stepsRestOn?: readonly string[];
}

export function bridgingOf(request: BridgingRequest): Pick<JobBase, 'mixingRatio' | 'strength'> {
  const { spec, defaults } = request;
  const problems = restingOn(request.problems, 'bridging.strategy');
  const { strategy, strength } = spec.bridging;
  if (strategy === 'none') return noising({ ...request, problems });
  if (strength !== undefined) {
    problems.push(
      `bridging.strength: is for strategy none, which inverts nothing; ${strategy} goes all the way into noise`,
    );
  }
  if (strategy === 'mixed') return { mixingRatio: spec.mixingRatio ?? defaults.mixingRatio };
  const mixingRatio = RATIOS[strategy];
  if (spec.mixingRatio !== undefined && spec.mixingRatio !== mixingRatio) {
    problems.push(
      `mixingRatio: ${spec.mixingRatio} contradicts bridging.strategy ${strategy}, which is mixing ratio ${mixingRatio}; leave one of them out`,
    );
  }
  return { mixingRatio };
}

function noising({ spec, steps, problems, stepsRestOn = [] }: BridgingRequest) {
  const { strength = STRENGTH_DEFAULT } = spec.bridging;
  const needless = [
    ...(spec.mixingRatio === undefined ? [] : ['mixingRatio']),
    ...(spec.inversion.mode === undefined ? [] : ['inversion.mode']),
  ];
  for (const field of needless) {
    problems.push(`${field}: bridging.strategy none inverts nothing; leave one of them out`);
  }
  if (stepsOfStrength(steps, strength) < 1) {
    const least = Math.ceil((1 / steps) * 1000) / 1000;
    restingOn(problems, ...stepsRestOn).push(
      `bridging.strength: ${strength} of ${steps} steps is not one; at least ${least}, or more steps`,
    );
  }
  // Of the ratio nothing depends.
  return { mixingRatio: 0, strength };
}
