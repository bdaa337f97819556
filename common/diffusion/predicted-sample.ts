// From a model's output to the clean sample and the noise that it says the state is made of; and keeping that sample in range.

import assert from 'node:assert/strict';

import type { PredictionType, Threshold } from './scheduler-config.ts';

const { fround, sqrt } = Math;

export interface ModelAnswer {
  readonly sample: Float32Array;
  readonly modelOutput: Float32Array;
}

export interface Prediction {
  /** x0. */
  readonly clean: Float32Array;
  /** epsilon. */
  readonly noise: Float32Array;
}

/** Equation 12 of DDIM (arXiv 2010.02502), and v of arXiv 2202.00512, at a state whose abar is `alpha`. */
export function predict(answer: ModelAnswer, type: PredictionType, alpha: number): Prediction {
  const { sample, modelOutput } = answer;
  const level = { alpha: fround(sqrt(alpha)), spread: fround(sqrt(fround(1 - alpha))) };
  const clean = predictClean(answer, type, level);
  switch (type) {
    case 'epsilon':
      return { clean, noise: modelOutput };
    case 'sample':
      return {
        clean,
        noise: sample.map((x, i) => fround(x - fround(level.alpha * clean[i]!)) / level.spread),
      };
    case 'v_prediction':
      return { clean, noise: weightedSum(level.alpha, modelOutput, level.spread, sample) };
  }
}

/** The clean sample alone, at a state alpha * clean + spread * noise. */
export function predictClean(
  { sample, modelOutput }: ModelAnswer,
  type: PredictionType,
  { alpha, spread }: { readonly alpha: number; readonly spread: number },
): Float32Array {
  switch (type) {
    case 'epsilon':
      return sample.map((x, i) => fround(x - fround(spread * modelOutput[i]!)) / alpha);
    case 'sample':
      return modelOutput;
    case 'v_prediction':
      return weightedSum(alpha, sample, -spread, modelOutput);
  }
}

/** a * x + b * y, the products rounded first. */
export function weightedSum(a: number, x: Float32Array, b: number, y: Float32Array): Float32Array {
  return x.map((value, i) => fround(a * value) + fround(b * y[i]!));
}

export function clip(values: Float32Array, range: number): Float32Array {
  const bound = fround(range);
  return values.map((value) => Math.max(-bound, Math.min(bound, value)));
}

/**
 * Dynamic thresholding: each of the batch's samples is clipped to the quantile of its own magnitudes, kept within
 * 1..valueMax, and divided by it.
 */
export function thresholdSamples(
  values: Float32Array,
  batch: number,
  { ratio, valueMax }: Threshold,
): Float32Array {
  const size = values.length / batch;
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += size) {
    const sample = values.subarray(start, start + size);
    const bound = fround(Math.min(valueMax, Math.max(1, quantile(sample.map(Math.abs), ratio))));
    result.set(
      clip(sample, bound).map((value) => value / bound),
      start,
    );
  }
  return result;
}

/** torch.quantile with linear interpolation. Sorts `magnitudes` in place. */
function quantile(magnitudes: Float32Array, ratio: number): number {
  assert(magnitudes.length > 0, 'a sample has at least one value');
  magnitudes.sort();
  const rank = fround(fround(ratio) * (magnitudes.length - 1));
  const below = Math.floor(rank);
  const weight = fround(rank - below);
  const low = magnitudes[below]!;
  const high = magnitudes[Math.ceil(rank)]!;
  const gap = fround(high - low);
  return fround(weight < 0.5 ? low + weight * gap : high - fround(1 - weight) * gap);
}
