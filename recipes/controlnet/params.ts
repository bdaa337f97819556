// What a generate task of a recipe with controls is told, from the planner to its body.

import type { DrawingParams } from '../pipeline/generator-settings.ts';

/** How a control counts in a task. */
export type ControlWeight = Readonly<{
  /** Of every frame, or of each frame of the task. */
  scale: number | readonly number[];
  /** Shares of the steps between which it counts. @default 0 and 1 */
  start?: number;
  end?: number;
}>;

export type ControlsParams<N extends string = string> = DrawingParams &
  Readonly<{ task: N; method?: 'controlvideo' }> &
  // One that counts alike in all frames and steps is told as it was before there were others.
  Readonly<{ conditioningScale: number } | { controls: readonly ControlWeight[] }>;

export type ControlnetParams = ControlsParams<'controlnet'>;

/** Of each control of the task, in the order of its generator. */
export function weightsOf(params: ControlsParams): readonly ControlWeight[] {
  return 'controls' in params ? params.controls : [{ scale: params.conditioningScale }];
}
