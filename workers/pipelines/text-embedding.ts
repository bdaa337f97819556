// A prompt as the UNets see it. Kept from task to task: most batches of a job have the same prompts.

import assert from 'node:assert/strict';

import type { Prompt } from '../../common/stages.ts';
import type { StageContext } from '../inference/ports.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { floatOutput } from './graph-outputs.ts';
import { joinBatches, sliceBatch } from './latents.ts';

/** `[1, 77, width]` float32: the last hidden state of the task's text encoder. Shared with other tasks: never written to. */
export async function embedText(text: string, context: StageContext): Promise<FloatTensor> {
  const models = `${context.digest('tokenizer')} ${context.digest('text-encoder')}`;
  return context.memo(`text-embedding ${models} ${text}`, async () => {
    const tokenizer = await context.tokenizer('tokenizer');
    const encoder = await context.session('text-encoder');
    const ids = tokenizer.encode(text);
    const outputs = await encoder.run({
      input_ids: { type: 'int64', shape: [1, ids.length], data: ids },
    });
    return floatOutput(outputs, 'last_hidden_state', encoder.name);
  });
}

/** `[1, 77, width]` of one text for all frames, else `[frames, 77, width]`: of each frame the weighted sum of its texts, in their order, in float32. */
export async function embedPrompt(prompt: Prompt, context: StageContext): Promise<FloatTensor> {
  if (typeof prompt === 'string') return embedText(prompt, context);
  const texts: FloatTensor[] = [];
  for (const text of prompt.texts) texts.push(await embedText(text, context));
  return joinBatches(prompt.weights.map((weights) => mixOf(texts, weights)));
}

function mixOf(texts: readonly FloatTensor[], weights: readonly number[]): FloatTensor {
  assert.equal(weights.length, texts.length, 'there is not a weight for each text');
  const told = texts.filter((_, i) => weights[i] !== 0);
  if (told.length === 1) return told[0]!;
  const mixed = floatTensor(texts[0]!.shape);
  for (const [text, { data }] of texts.entries()) {
    const weight = Math.fround(weights[text]!);
    if (weight === 0) continue;
    for (const [at, value] of data.entries()) {
      mixed.data[at] = mixed.data[at]! + Math.fround(weight * value);
    }
  }
  return mixed;
}

/**
 * `[1, 77, width]`: what a model is told that sees `length` frames from `start` on as one, of `embedPrompt`'s. Frames that are told the same give just
 * that, others their mean: the sum in the order of frames and the quotient are rounded to float32.
 */
export function meanText(
  text: FloatTensor,
  { start, length }: { readonly start: number; readonly length: number },
): FloatTensor {
  if (text.shape[0] === 1) return text;
  const frames = Array.from({ length }, (_, i) => sliceBatch(text, start + i, start + i + 1));
  const [first, ...others] = frames as [FloatTensor, ...FloatTensor[]];
  const isSame = others.every(({ data }) => data.every((value, at) => value === first.data[at]));
  if (isSame) return first;
  const mean = floatTensor(first.shape);
  for (const { data } of frames) {
    for (const [at, value] of data.entries()) mean.data[at] = mean.data[at]! + value;
  }
  for (const [at, sum] of mean.data.entries()) mean.data[at] = sum / length;
  return mean;
}
