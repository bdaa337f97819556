// Classifier-free guidance over any number of branches: each asks the model for more than the one before, and what that adds to the
// prediction counts by its weight. Knows nothing of graphs.

import assert from 'node:assert/strict';

import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { joinBatches, joinChannels, repeatBatch, sliceBatch } from './latents.ts';

/** One way in which the model is asked at every step. */
export interface Branch {
  /** `[1, 77, width]`, or `[frames, 77, width]` where each frame is told its own. */
  readonly text: FloatTensor;
  /** `[frames, extra, h, w]`, joined to the sample along the channels, where the model takes more of them. */
  readonly channels?: FloatTensor;
  /** Of the difference to the branch before; the first branch has none, and counts as it is. */
  readonly weight: number;
}

/** Runs the model on a batch: sample `[n, ...]` and text `[n, 77, width]`, n the frames times the branches. */
export type Forward = (sample: FloatTensor, text: FloatTensor) => Promise<FloatTensor>;

/** Guidance by text alone. At scale 1 there is only the prompt's branch, which is then the exact result. */
export function textBranches(text: {
  /** Each as a branch has it. */
  readonly prompt: FloatTensor;
  readonly negative: FloatTensor;
  readonly scale: number;
}): readonly Branch[] {
  const prompt = { text: text.prompt, weight: text.scale };
  return text.scale === 1 ? [prompt] : [{ text: text.negative, weight: 1 }, prompt];
}

/** Whether guidance is dropped at a step of so many: where the step ends after that share of them, as a control does. */
export function isUnguided(step: number, steps: number, end = 1): boolean {
  return (step + 1) / steps > end;
}

/**
 * Those that are asked at a step: all while there is guidance, then only the last, whose prediction counts as it is. Half the work of two.
 */
export function branchesAt(
  branches: readonly Branch[],
  at: { readonly step: number; readonly steps: number; readonly end: number | undefined },
): readonly Branch[] {
  return isUnguided(at.step, at.steps, at.end) ? branches.slice(-1) : branches;
}

/**
 * The guided prediction for a sample whose first axis is the batch: b0 + w1 (b1 - b0) + w2 (b2 - b1) and so on. All branches run as one
 * batch, the first one first, as in diffusers.
 */
export async function predictGuided(
  sample: FloatTensor,
  branches: readonly Branch[],
  forward: Forward,
): Promise<FloatTensor> {
  assert(branches.length > 0, 'there is nothing to ask the model');
  const batch = sample.shape[0]!;
  const samples = branches.map(({ channels }) =>
    channels === undefined ? sample : joinChannels([sample, channels]),
  );
  const texts = branches.map(({ text }) =>
    text.shape[0] === batch ? text : repeatBatch(text, batch),
  );
  const all = await forward(joinBatches(samples), joinBatches(texts));
  if (branches.length === 1) return all;
  const predictions = branches.map((_, i) => sliceBatch(all, i * batch, (i + 1) * batch));
  return combine(
    predictions,
    branches.map(({ weight }) => weight),
  );
}

/** The same with a run for each branch, for a model whose samples see each other. */
export async function predictApart(
  sample: FloatTensor,
  branches: readonly Branch[],
  forward: Forward,
): Promise<FloatTensor> {
  const predictions: FloatTensor[] = [];
  for (const branch of branches) predictions.push(await predictGuided(sample, [branch], forward));
  return combine(
    predictions,
    branches.map(({ weight }) => weight),
  );
}

/** Each operation in float32, the last difference added first: as torch evaluates diffusers' formulas for two branches and for three. */
export function combine(
  predictions: readonly FloatTensor[],
  weights: readonly number[],
): FloatTensor {
  const [base] = predictions as readonly [FloatTensor, ...FloatTensor[]];
  const guided = floatTensor(base.shape, base.data.slice());
  for (let branch = predictions.length - 1; branch > 0; branch -= 1) {
    const { data } = predictions[branch]!;
    const before = predictions[branch - 1]!.data;
    const weight = Math.fround(weights[branch]!);
    for (let i = 0; i < data.length; i += 1) {
      const difference = Math.fround(data[i]! - before[i]!);
      guided.data[i] = guided.data[i]! + Math.fround(weight * difference);
    }
  }
  return guided;
}
