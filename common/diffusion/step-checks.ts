// What every step may rely on. A caller that breaks it has a defect, so these are assertions.

import assert from 'node:assert/strict';

import type { SamplerState, StepInput } from './scheduler.ts';

export function checkStepInput(input: StepInput, timesteps: readonly number[]): void {
  const { modelOutput, sample, stepIndex, batch } = input;
  checkStepIndex(stepIndex, timesteps);
  assert.equal(
    modelOutput.length,
    sample.length,
    'the model output has not the length of the sample',
  );
  assert(Number.isInteger(batch) && batch >= 1, `a batch of ${batch} samples`);
  assert.equal(sample.length % batch, 0, `${sample.length} values are no batch of ${batch}`);
}

export function checkStepIndex(stepIndex: number, timesteps: readonly number[]): void {
  assert(
    Number.isInteger(stepIndex) && stepIndex >= 0 && stepIndex < timesteps.length,
    `step ${stepIndex} of ${timesteps.length}`,
  );
}

/** The noise for a step that adds some. */
export function drawStepNoise({ noise, stepIndex, sample }: StepInput): Float32Array {
  assert(noise, 'this sampler adds noise at each step and was given none');
  const values = noise(stepIndex);
  assert.equal(values.length, sample.length, 'the noise has not the length of the sample');
  return values;
}

/** The state of a sampler whose steps depend on their input alone. */
export const STATELESS: SamplerState = { nextStep: null, history: {} };
