// What multi-step samplers keep of the steps before: as many predictions as their order, newest last, and which step comes next.

import assert from 'node:assert/strict';

import type { SolverConfig } from '../scheduler-config.ts';
import type { SamplerState } from '../scheduler.ts';

/** With fewer steps than this, lower_order_final holds (diffusers, step). */
const FEW_STEPS = 15;

export class PredictionHistory {
  readonly #order: number;
  #nextStep: number | null = null;
  #predictions: readonly Float32Array[] = [];

  constructor(order: number) {
    this.#order = order;
  }

  /** At most as many as the order. */
  get predictions(): readonly Float32Array[] {
    return this.#predictions;
  }

  /** Keeps the prediction itself. Steps come in order, from any. */
  add(prediction: Float32Array, stepIndex: number): void {
    assert.equal(stepIndex, this.#nextStep ?? stepIndex, 'multi-step samplers take steps in order');
    this.#predictions = [...this.#predictions, prediction].slice(-this.#order);
    this.#nextStep = stepIndex + 1;
  }

  saveState(): SamplerState {
    const named = this.#predictions.map(
      (values, i) => [`prediction-${i}`, values.slice()] as const,
    );
    return { nextStep: this.#nextStep, history: Object.fromEntries(named) };
  }

  restoreState({ nextStep, history }: SamplerState): void {
    this.#nextStep = nextStep;
    this.#predictions = Array.from({ length: this.#order }, (_, i) => history[`prediction-${i}`])
      .filter((values) => values !== undefined)
      .map((values) => values.slice());
  }
}

/** The order that a step may have when so many are left, itself among them: the last ones of few are lower, for stability. */
export function orderWithLeft(
  left: number,
  steps: number,
  { order, lowerOrderFinal }: SolverConfig,
): number {
  return lowerOrderFinal && steps < FEW_STEPS ? Math.min(order, left) : order;
}
