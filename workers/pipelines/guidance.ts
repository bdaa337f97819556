// Classifier-free guidance: what the text adds to the prediction, times a scale. Knows nothing of graphs.

import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { joinBatches, repeatBatch, sliceBatch } from './latents.ts';

export interface Guidance {
  /** `[1, 77, width]` of the prompt. */
  readonly prompt: FloatTensor;
  /** `[1, 77, width]` of the negative prompt. */
  readonly negative: FloatTensor;
  /** 1: the prompt's prediction alone. */
  readonly scale: number;
}

/** Runs the model on a batch: sample `[n, ...]` and text `[n, 77, width]`, n a multiple of the frames. */
export type Forward = (sample: FloatTensor, text: FloatTensor) => Promise<FloatTensor>;

/**
 * The guided prediction for a sample whose first axis is the batch. The negative prompt's half goes first in the doubled
 * batch, as in diffusers. At scale 1 there is only the prompt's half, which is then the exact result.
 */
export async function predictGuided(
  sample: FloatTensor,
  guidance: Guidance,
  forward: Forward,
): Promise<FloatTensor> {
  const batch = sample.shape[0]!;
  const prompt = repeatBatch(guidance.prompt, batch);
  if (!isGuided(guidance.scale)) return forward(sample, prompt);
  const text = joinBatches([repeatBatch(guidance.negative, batch), prompt]);
  const both = await forward(repeatBatch(sample, 2), text);
  return guide(sliceBatch(both, 0, batch), sliceBatch(both, batch, 2 * batch), guidance.scale);
}

/** Copies of each frame in the batch that the model runs on. */
export function copiesOf(guidance: Pick<Guidance, 'scale'>): number {
  return isGuided(guidance.scale) ? 2 : 1;
}

function isGuided(scale: number): boolean {
  return scale !== 1;
}

/** without + scale * (withText - without), each operation in float32, as torch does it. */
export function guide(without: FloatTensor, withText: FloatTensor, scale: number): FloatTensor {
  const guided = floatTensor(without.shape);
  const factor = Math.fround(scale);
  for (let i = 0; i < guided.data.length; i += 1) {
    const base = without.data[i]!;
    const difference = Math.fround(withText.data[i]! - base);
    guided.data[i] = base + Math.fround(factor * difference);
  }
  return guided;
}
