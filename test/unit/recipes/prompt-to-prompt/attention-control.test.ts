// What the graph is told at each step, and which tokens a word has.

import { describe, expect, it } from 'vitest';

import {
  attentionControl,
  placesOf,
} from '../../../../recipes/prompt-to-prompt/attention-control.ts';
import type { PromptToPromptParams } from '../../../../recipes/prompt-to-prompt/params.ts';

const BEGIN = 1;
const END = 2;

/** A token for every two letters or digits of a run of them, and one for each other character. */
const pieces = (text: string): number[] =>
  (text.match(/[a-z0-9]{1,2}|[^a-z0-9\s]/g) ?? []).map((piece) => {
    return 100 + piece.charCodeAt(0) * 256 + (piece.charCodeAt(1) || 0);
  });

const tokenizer = {
  idsOf: pieces,
  encode: (text: string): BigInt64Array => {
    const ids = new BigInt64Array(77).fill(BigInt(END));
    [BEGIN, ...pieces(text).slice(0, 75), END].forEach((id, at) => {
      ids[at] = BigInt(id);
    });
    return ids;
  },
};

const params: PromptToPromptParams = {
  ...{ task: 'prompt-to-prompt', kind: 'replace', sourcePrompt: 'a red cat', prompt: 'a blue cat' },
  ...{
    sourceGuidanceScale: 1,
    weights: {},
    crossReplace: 0.4,
    selfReplace: 0.4,
    negativePrompt: '',
  },
  ...{ steps: 50, guidanceScale: 3, sampler: 'ddim', seed: 0 },
};

function toldOf(changes: Partial<PromptToPromptParams>) {
  const control = attentionControl({ ...params, ...changes }, tokenizer);
  return (step: number) => {
    const inputs = control.inputsAt(step);
    const values = (name: string): readonly number[] => [...(inputs[name]!.data as Float32Array)];
    return {
      alpha: values('cross_replace_alpha'),
      equalizer: values('equalizer'),
      selfReplace: values('self_replace')[0],
      shapes: Object.values(inputs).map(({ shape }) => shape),
    };
  };
}

describe('the tokens of a word', () => {
  it('are all of its tokens, wherever it stands', () => {
    expect(placesOf('cat', 'a cat or a cat', tokenizer)).toEqual([2, 3, 6, 7]);
    expect(placesOf('dog', 'a cat or a cat', tokenizer)).toEqual([]);
  });

  it('are those of the word without the marks around it', () => {
    expect(placesOf('cat', 'a "Cat", sitting', tokenizer)).toEqual([3, 4]);
    expect(placesOf('"cat",', 'a "cat", sitting', tokenizer)).toEqual([2, 3, 4, 5, 6]);
  });

  it('must be read by the models', () => {
    const long = 'ab '.repeat(75);
    expect(placesOf('ab', `${long}ab`, tokenizer)).toHaveLength(75);
    expect(() => placesOf('cat', `${long}cat`, tokenizer)).toThrow(
      /the word cat stands behind the 75 tokens/,
    );
  });
});

describe('shares of the steps', () => {
  it('are of one step more for words, as in the paper, and of the steps for places', () => {
    const told = toldOf({ crossReplace: 0.99, selfReplace: 0.99 });
    expect([49, 50].map((step) => told(step).alpha[0])).toEqual([1, 0]);
    expect([48, 49].map((step) => told(step).selfReplace)).toEqual([1, 0]);
    const usual = toldOf({});
    expect([19, 20].map((step) => usual(step).alpha[0])).toEqual([1, 0]);
    expect([19, 20].map((step) => usual(step).selfReplace)).toEqual([1, 0]);
  });

  it('none and all', () => {
    expect(toldOf({ crossReplace: 0, selfReplace: 0 })(0)).toMatchObject({ selfReplace: 0 });
    expect(toldOf({ crossReplace: 0 })(0).alpha.every((one) => one === 0)).toBe(true);
    expect(toldOf({ crossReplace: 1 })(49).alpha.every((one) => one === 1)).toBe(true);
  });
});

it('weights count for the tokens of the edited prompt, for as long as attention follows', () => {
  const told = toldOf({ weights: { blue: -2, cat: 3 } });
  expect(told(0).equalizer.slice(0, 8)).toEqual([1, 1, -2, -2, 3, 3, 1, 1]);
  expect(told(20).equalizer.every((one) => one === 1)).toBe(true);
});

it('refined words keep their own attention', () => {
  const told = toldOf({ kind: 'refine', prompt: 'a big red cat' });
  expect(told(0).alpha.slice(0, 9)).toEqual([1, 1, 0, 0, 1, 1, 1, 1, 1]);
});

it('is one edit of 77 positions', () => {
  expect(toldOf({})(0).shapes).toEqual([[1, 77, 77], [1, 77], [1, 77], []]);
});
