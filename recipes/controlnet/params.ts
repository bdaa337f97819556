// What a generate task of this recipe is told, from the planner to its body.

import type { SamplerName } from '../../common/stages.ts';

export type ControlnetParams = Readonly<{
  task: 'controlnet';
  prompt: string;
  negativePrompt: string;
  steps: number;
  guidanceScale: number;
  /** Of the ControlNet's residuals. */
  conditioningScale: number;
  sampler: SamplerName;
  /** 0..2^53-1. Frame noise is keyed by (seed, frame index, purpose, step). */
  seed: number;
}>;
