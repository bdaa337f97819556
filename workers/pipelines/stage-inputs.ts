// Takes what a stage was given out of its input, by role. What is missing or of another kind is a defect of the plan.

import assert from 'node:assert/strict';

import type { StageInput } from '../inference/ports.ts';
import type { FloatTensor, FrameTensor } from '../tensor/tensor.ts';

/** `[frames, height, width, 3]`, one per frame that the task makes. */
export function framesInput(input: StageInput<unknown>, role: string): FrameTensor {
  const tensor = input.tensors[role];
  assert(tensor?.type === 'uint8' && tensor.shape.length === 4, `${role} is no frames`);
  assert.equal(tensor.shape[0], input.frames.length, `${role} is not one per frame`);
  return tensor;
}

/** `[count, channels, height/8, width/8]`, as many as there are. */
export function latentCopiesInput(input: StageInput<unknown>, role: string): FloatTensor {
  const tensor = input.tensors[role];
  assert(tensor?.type === 'float32' && tensor.shape.length === 4, `${role} is no latents`);
  return tensor;
}

/** `[frames, channels, height/8, width/8]`, one per frame that the task makes. */
export function latentsInput(input: StageInput<unknown>, role: string): FloatTensor {
  const tensor = latentCopiesInput(input, role);
  assert.equal(tensor.shape[0], input.frames.length, `${role} is not one per frame`);
  return tensor;
}
