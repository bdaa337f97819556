// PNDM (arXiv 2202.09778), as diffusers' PNDMScheduler: a linear multi-step method (PLMS) that begins with Runge-Kutta steps
// (PRK) or, as for Stable Diffusion, without. It keeps up to four model outputs.

import assert from 'node:assert/strict';

import { cumulativeAlphas } from '../noise-schedule.ts';
import { weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig, unfitSteps } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerState, StepInput } from '../scheduler.ts';
import { checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount, requireTrained, trainingTimesteps } from '../timesteps.ts';

const { fround, sqrt } = Math;

/** Order of the Runge-Kutta method: that many model calls a step. */
const PRK_ORDER = 4;
const OUTPUTS_MAX = 4;

/** From one level to another, as a pair of training timesteps; `to` may be negative: clean. */
interface Levels {
  readonly from: number;
  readonly to: number;
}

/**
 * @throws invalid-argument — the config has values that PNDM cannot honour, or the steps do not fit it
 */
export class PndmSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #config: SchedulerConfig;
  readonly #alphas: Float32Array;
  readonly #finalAlpha: number;
  readonly #stride: number;
  /** Model calls of the Runge-Kutta steps; 0 when they are skipped. */
  readonly #prkCalls: number;

  #calls = 0;
  /** Model outputs at whole steps, newest last. */
  #outputs: readonly Float32Array[] = [];
  /** State at the beginning of the step, while the step takes more than one call. */
  #stepStart: Float32Array | undefined;
  /** Weighted sum of the outputs of a Runge-Kutta step so far. */
  #outputSum: Float32Array | undefined;

  constructor(rawConfig: unknown, { steps }: { readonly steps: number }) {
    this.#config = readSchedulerConfig(rawConfig, 'pndm');
    requireStepCount(steps, this.#config.trainSteps);
    requireRungeKutta(steps, this.#config);
    this.#stride = Math.floor(this.#config.trainSteps / steps);
    const ascending = trainingTimesteps(this.#config, steps);
    const prk = this.#config.skipPrkSteps ? [] : prkTimesteps(ascending, this.#stride);
    const plms = this.#config.skipPrkSteps
      ? plmsTimesteps(ascending)
      : ascending.slice(0, -3).reverse();
    this.#prkCalls = prk.length;
    this.timesteps = [...prk, ...plms];
    requireTrained(this.timesteps, this.#config, { algorithm: 'pndm', steps });
    this.#alphas = cumulativeAlphas(this.#config);
    this.#finalAlpha = this.#config.setAlphaToOne ? 1 : this.#alphas[0]!;
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return sample;
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    assert.equal(input.stepIndex, this.#calls, 'PNDM takes its steps in order, from the first');
    const next = this.#calls < this.#prkCalls ? this.#stepPrk(input) : this.#stepPlms(input);
    this.#calls += 1;
    return next;
  }

  saveState(): SamplerState {
    const outputs = this.#outputs.map((output, i) => [`output-${i}`, output.slice()] as const);
    return {
      nextStep: this.#calls,
      history: {
        ...Object.fromEntries(outputs),
        ...(this.#stepStart && { 'step-start': this.#stepStart.slice() }),
        ...(this.#outputSum && { 'output-sum': this.#outputSum.slice() }),
      },
    };
  }

  restoreState({ nextStep, history }: SamplerState): void {
    assert(nextStep !== null, 'the state of a sampler without a history');
    this.#calls = nextStep;
    this.#outputs = Array.from({ length: OUTPUTS_MAX }, (_, i) => history[`output-${i}`])
      .filter((output) => output !== undefined)
      .map((output) => output.slice());
    this.#stepStart = history['step-start']?.slice();
    this.#outputSum = history['output-sum']?.slice();
  }

  /** Pseudo Runge-Kutta: four calls make one step, three steps make the history that PLMS needs. */
  #stepPrk({ modelOutput, sample, stepIndex }: StepInput): Float32Array {
    const call = stepIndex % PRK_ORDER;
    // Two half steps end in the middle, two whole ones at the next level; all begin at the step's start.
    const halfStride = call % 2 === 0 ? Math.floor(this.#stride / 2) : 0;
    const from = this.timesteps[stepIndex - call]!;
    const to = this.timesteps[stepIndex]! - halfStride;
    let output = modelOutput;
    if (call === 0) {
      this.#outputs = [...this.#outputs, modelOutput.slice()];
      this.#stepStart = sample.slice();
      this.#outputSum = modelOutput.map((value) => fround(1 / 6) * value);
    } else {
      const weight = fround(call === PRK_ORDER - 1 ? 1 / 6 : 1 / 3);
      this.#outputSum = weightedSum(1, this.#outputSum!, weight, modelOutput);
    }
    if (call === PRK_ORDER - 1) output = this.#outputSum;
    const next = this.#advance(this.#stepStart!, output, { from, to });
    if (call === PRK_ORDER - 1) this.#outputSum = undefined;
    return next;
  }

  #stepPlms({ modelOutput, sample, stepIndex }: StepInput): Float32Array {
    const time = this.timesteps[stepIndex]!;
    // Without Runge-Kutta steps the first step is taken twice: alone, then with the mean of both ends' outputs.
    if (stepIndex === 1) {
      const mean = modelOutput.map((value, i) => fround(value + this.#outputs[0]![i]!) / 2);
      const start = this.#stepStart!;
      this.#stepStart = undefined;
      return this.#advance(start, mean, { from: time + this.#stride, to: time });
    }
    if (stepIndex === 0) this.#stepStart = sample.slice();
    this.#outputs = [...this.#outputs.slice(1 - OUTPUTS_MAX), modelOutput.slice()];
    return this.#advance(sample, combineOutputs(this.#outputs), {
      from: time,
      to: time - this.#stride,
    });
  }

  /** Equation 9. */
  #advance(sample: Float32Array, modelOutput: Float32Array, { from, to }: Levels): Float32Array {
    const alpha = this.#alphas[from]!;
    const nextAlpha = to >= 0 ? this.#alphas[to]! : this.#finalAlpha;
    const beta = fround(1 - alpha);
    const noise =
      this.#config.predictionType === 'v_prediction'
        ? weightedSum(fround(sqrt(alpha)), modelOutput, fround(sqrt(beta)), sample)
        : modelOutput;
    const sampleWeight = fround(sqrt(fround(nextAlpha / alpha)));
    const gain = fround(nextAlpha - alpha);
    const divisor = fround(
      fround(alpha * fround(sqrt(fround(1 - nextAlpha)))) +
        fround(sqrt(fround(fround(alpha * beta) * nextAlpha))),
    );
    return sample.map(
      (x, i) => fround(sampleWeight * x) - fround(fround(gain * noise[i]!) / divisor),
    );
  }
}

/** Adams-Bashforth of the order that the history allows, newest output last (PNDM, equation 12). */
function combineOutputs(outputs: readonly Float32Array[]): Float32Array {
  const [e1, e2, e3, e4] = outputs.toReversed() as [Float32Array, ...(Float32Array | undefined)[]];
  if (!e2) return e1;
  if (!e3) return e1.map((e, i) => fround(fround(3 * e) - e2[i]!) / 2);
  if (!e4) {
    return e1.map(
      (e, i) => fround(fround(fround(23 * e) - fround(16 * e2[i]!)) + fround(5 * e3[i]!)) / 12,
    );
  }
  return e1.map((e, i) => {
    const newer = fround(fround(55 * e) - fround(59 * e2[i]!));
    return fround(1 / 24) * fround(fround(newer + fround(37 * e3[i]!)) - fround(9 * e4[i]!));
  });
}

/** The four noisiest timesteps, each pair's middle visited twice on the way: 12 calls for 3 steps. */
function prkTimesteps(ascending: readonly number[], stride: number): number[] {
  const half = Math.floor(stride / 2);
  const levels = ascending.slice(-PRK_ORDER).flatMap((time) => [time, time + half]);
  const visited = levels.slice(0, -1).flatMap((time) => [time, time]);
  return visited.slice(1, -1).reverse();
}

/** Descending, the second one twice. */
function plmsTimesteps(ascending: readonly number[]): number[] {
  const descending = ascending.toReversed();
  return descending.flatMap((time, i) => (i === 1 ? [time, time] : [time]));
}

function requireRungeKutta(steps: number, { skipPrkSteps }: SchedulerConfig): void {
  if (skipPrkSteps || steps >= PRK_ORDER) return;
  throw unfitSteps('pndm', steps, `with skip_prk_steps false it takes ${PRK_ORDER} steps or more`);
}
