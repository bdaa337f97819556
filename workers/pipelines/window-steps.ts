// One step of some windows of a long clip: each frame begins as the weighted mean of its copies, and each window goes on by itself.

import assert from 'node:assert/strict';

import type { Inverter } from '../../common/diffusion/scheduler.ts';
import type { WindowStep } from '../../common/stages.ts';
import type { StageContext } from '../inference/ports.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { takeStep } from './diffusion-loop.ts';
import type { Predict } from './diffusion-loop.ts';
import { framesText } from './failure-place.ts';
import { clipFromFrames, framesFromClip, joinBatches, sliceBatch } from './latents.ts';
import { fadingRuns, mergeCopies } from './window-copies.ts';

export interface WindowStepOptions {
  /** Whose steps depend on nothing but their input. */
  readonly scheduler: Inverter;
  /** Of the window that begins at this frame, counted in the task's frames. */
  readonly predictAt: (start: number) => Predict;
  readonly context: StageContext;
  /** Say `smooth`, for errors. */
  readonly stage: string;
  /** Indices in the job. */
  readonly frames: readonly number[];
}

/** The frames of the task as a step finds them, `[frames, channels, h, w]`: the weighted mean of their copies. */
export function frameStates(
  latents: FloatTensor,
  { copies, length }: WindowStep,
  frames: number,
): FloatTensor {
  if (copies !== undefined) {
    return mergeCopies(latents, fadingRuns(copies, length), frames);
  }
  assert.equal(latents.shape[0], frames, 'latents is not one per frame');
  return latents;
}

/** The windows after the step, one after the other: `[windows * length, channels, h, w]`. Windows never share a batch: their number shows in no bit. */
export async function stepWindows(
  states: FloatTensor,
  { step, starts, length }: WindowStep,
  { scheduler, predictAt, context, stage, frames }: WindowStepOptions,
): Promise<FloatTensor> {
  const made: FloatTensor[] = [];
  for (const [index, start] of starts.entries()) {
    context.throwIfCancelled();
    const clip = clipFromFrames(sliceBatch(states, start, start + length));
    const place = `${stage} ${framesText(frames.slice(start, start + length))}`;
    const options = { scheduler, predict: predictAt(start), place };
    made.push(framesFromClip(await takeStep(clip, step, options)));
    context.progress(index + 1, starts.length);
  }
  return joinBatches(made);
}
