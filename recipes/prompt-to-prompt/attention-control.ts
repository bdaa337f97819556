// What the UNet is told, run by run, of how attention to the edited prompt follows that to the source's: from the words of the task to the
// inputs of the graph (models/export/prompt2prompt.py).

import { modelRuns } from '../../common/diffusion/model-runs.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { Tokenizer } from '../../workers/inference/ports.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../../workers/tensor/tensor.ts';
import { POSITIONS, refinement, replacement } from './alignment.ts';
import type { Alignment } from './alignment.ts';
import type { PromptToPromptParams } from './params.ts';
import { isNamed, namedPart, wordsOf } from './words.ts';

export interface AttentionControl {
  /** Of the graph, besides a UNet's own; `stepIndex` counts from 0. */
  inputsAt(stepIndex: number): Readonly<Record<string, Tensor>>;
}

/** For tasks of one edited prompt. */
export function attentionControl(
  params: PromptToPromptParams,
  tokenizer: Tokenizer,
): AttentionControl {
  const { mapper, follows } = alignmentOf(params, tokenizer);
  const equalizer = new Float32Array(POSITIONS).fill(1);
  for (const [word, weight] of Object.entries(params.weights)) {
    for (const place of placesOf(word, params.prompt, tokenizer)) equalizer[place] = weight;
  }
  const { crossReplace, selfReplace } = params;
  const steps = modelRuns(params.sampler, params.steps);
  // One more step than there are, as in the paper's code: of 50, 0.4 are 20, and 1 is all.
  const crossSteps = Math.floor(crossReplace * (steps + 1));
  const selfSteps = Math.floor(selfReplace * steps);
  const row = (values: Float32Array): FloatTensor => floatTensor([1, POSITIONS], values);
  const none = row(new Float32Array(POSITIONS));
  const even = row(new Float32Array(POSITIONS).fill(1));
  return {
    inputsAt: (stepIndex) => ({
      cross_replace_mapper: floatTensor([1, POSITIONS, POSITIONS], mapper),
      cross_replace_alpha: stepIndex < crossSteps ? row(follows) : none,
      equalizer: stepIndex < crossSteps ? row(equalizer) : even,
      self_replace: floatTensor([], Float32Array.of(stepIndex < selfSteps ? 1 : 0)),
    }),
  };
}

function alignmentOf(
  { kind, sourcePrompt, prompt }: PromptToPromptParams,
  tokenizer: Tokenizer,
): Alignment {
  if (kind === 'replace') {
    const counts = (text: string): number[] =>
      wordsOf(text).map((word) => tokenizer.idsOf(word).length);
    return replacement(counts(sourcePrompt), counts(prompt));
  }
  const framed = (text: string): number[] => {
    const length = Math.min(tokenizer.idsOf(text).length + 2, POSITIONS);
    return Array.from(tokenizer.encode(text).subarray(0, length), Number);
  };
  return refinement(framed(sourcePrompt), framed(prompt));
}

/**
 * Positions of the tokens of a word, wherever it stands in the prompt; none if the prompt has no such word.
 * @throws invalid-argument — it stands where the models do not read any more
 */
export function placesOf(
  name: string,
  prompt: string,
  tokenizer: Pick<Tokenizer, 'idsOf'>,
): readonly number[] {
  const places: number[] = [];
  let start = 1;
  for (const word of wordsOf(prompt)) {
    const count = (part: string): number => tokenizer.idsOf(part).length;
    if (isNamed(word, name)) {
      const { at, length } = namedPart(word, name);
      const first = start + count(word.slice(0, at));
      const tokens = count(word.slice(at, at + length));
      for (let token = 0; token < tokens; token += 1) places.push(first + token);
    }
    start += count(word);
  }
  const read = places.filter((place) => place < POSITIONS - 1);
  if (places.length > 0 && read.length === 0) {
    throw new BivdiffError(
      'invalid-argument',
      `the word ${name} stands behind the 75 tokens that the models read of "${prompt}"`,
      { retry: 'never', hint: 'Put it further to the front, or shorten the prompt.' },
    );
  }
  return read;
}
