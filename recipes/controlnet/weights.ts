// What a control weighs at a step, and whether there are steps at which none weighs anything. Pure.

import { controlsOf } from './control-jobs.ts';
import type { JobControls } from './control-jobs.ts';
import { scaleAt } from './courses.ts';
import type { ControlWeight } from './params.ts';

/** `frame`: its place in the task. */
export interface StepOfFrame {
  readonly frame: number;
  readonly step: number;
  readonly steps: number;
}

/**
 * 0 at steps that lie before the control's start or after its end, in whole or in part (diffusers,
 * pipeline_controlnet.py: `controlnet_keep`).
 */
export function weightAtStep(control: ControlWeight, { frame, step, steps }: StepOfFrame): number {
  const { scale, start = 0, end = 1 } = control;
  const isOut = step / steps < start || (step + 1) / steps > end;
  return isOut ? 0 : scaleInFrame(scale, frame);
}

export function scaleInFrame(scale: ControlWeight['scale'], frame: number): number {
  return typeof scale === 'number' ? scale : scale[frame]!;
}

/** Whether a frame of the job is drawn in some of so many steps as if it had no controls. */
export function hasWeightlessStep(
  job: JobControls & { readonly frames: number },
  steps: number,
): boolean {
  const controls = controlsOf(job);
  const isSteady = controls.every(({ scale }) => typeof scale === 'number');
  // Frames whose weights are 0 alike have the same steps without any.
  const kinds = new Map<string, readonly ControlWeight[]>();
  for (let frame = 0; frame < (isSteady ? 1 : job.frames); frame += 1) {
    const weights = controls.map((one) => ({ ...one, scale: scaleAt(one.scale, frame) }));
    kinds.set(weights.map(({ scale }) => scale === 0).join(), weights);
  }
  const all = Array.from({ length: steps }, (_, step) => ({ frame: 0, step, steps }));
  return [...kinds.values()].some((weights) => {
    return all.some((at) => weights.every((one) => weightAtStep(one, at) === 0));
  });
}
