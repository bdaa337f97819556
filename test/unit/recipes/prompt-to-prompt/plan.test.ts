// From what a user says of an edit to its plan, and what is refused.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import { costUnits } from '../../../../coordinator/domain/cost.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels, madeUpPart } from '../../../support/made-up-models.ts';

const MODELS = madeUpModels(
  madeUpGenerator({
    ...{ name: 'prompt2prompt', task: 'prompt-to-prompt', conditions: [] },
    unet: madeUpPart('image/unet+prompt2prompt'),
  }),
);

const numerics = { inference: 'cpu-test', media: 'media-test', plain: 'plain' };
const source = {
  kind: 'video',
  digest: digestText('clip'),
  path: 'clip.mp4',
  frames: 29,
  alpha: false,
  width: 128,
  height: 128,
} as const;

function accept(edit: object, more: object = {}, models = MODELS): AcceptedJob {
  const whole = {
    ...{ apiVersion: 'bivdiff/v1', task: 'prompt-to-prompt', input: { path: 'clip.mp4' } },
    ...{ prompt: 'a blue cat, sitting', edit, ...more },
  };
  return acceptSpec({ spec: parseRenderSpec(whole, 'the test'), models, source, numerics });
}

function problemsOf(edit: object, more: object = {}, models = MODELS): unknown {
  try {
    accept(edit, more, models);
  } catch (reason) {
    const { code, details } = BivdiffError.from(reason);
    expect(code).toBe('invalid-argument');
    return details['problems'];
  }
  return [];
}

const SOURCE = { sourcePrompt: 'a red cat, sitting' };

describe('an edit', () => {
  it('has the shares of the paper unless told otherwise, and no blend', () => {
    const job = accept(SOURCE);
    expect(job).toMatchObject({
      edit: {
        ...{ kind: 'replace', ...SOURCE, weights: {}, crossReplace: 0.4, selfReplace: 0.4 },
        ...{ sourceInversion: 'source-prompt', sourceGuidanceScale: 1 },
      },
    });
    expect(job).not.toHaveProperty('edit.blend');
  });

  it('takes words and weights as text or as what they are', () => {
    const asText = accept({ ...SOURCE, blendWords: 'cat, red', weights: 'blue=2.5,cat=-1' });
    const asLists = accept({
      ...{ ...SOURCE, blendWords: ['cat', 'red'], weights: { blue: 2.5, cat: -1 } },
    });
    expect(asText).toEqual(asLists);
    expect(asText).toMatchObject({
      edit: {
        ...{ weights: { blue: 2.5, cat: -1 }, blend: { words: ['cat', 'red'], threshold: 0.3 } },
      },
    });
  });

  it('of weights alone needs no prompt of the source', () => {
    expect(accept({ weights: { cat: 3 } })).toMatchObject({
      edit: { sourcePrompt: 'a blue cat, sitting' },
    });
  });
});

describe('the plan', () => {
  const plan = createPlan(accept(SOURCE));
  const taskOf = (node: string) => plan.task({ node, index: 0 });

  it('inverts the source frame by frame, and draws from that', () => {
    expect(plan.nodes.map(({ name }) => name)).toEqual([
      ...['ingest', 'encode-source', 'invert-source', 'generate', 'encode', 'invert-image'],
      ...['invert-video', 'mix', 'smooth', 'decode', 'measure', 'assemble'],
    ]);
    expect(taskOf('invert-source')).toMatchObject({
      stage: 'invert-image',
      params: { normScope: 'frame', mode: 'ddim', steps: 50 },
      models: { unet: digestText('image/unet') },
    });
    expect(taskOf('generate').inputs).toEqual({
      noise: [{ task: taskOf('invert-source').id, output: 'noise', offset: 0, count: 4 }],
    });
    expect(taskOf('generate').models['unet']).toBe(digestText('image/unet+prompt2prompt'));
  });

  it('does not invert again for another edit of the same source', () => {
    const other = createPlan(accept({ ...SOURCE, weights: { blue: 2 } }, { seed: 43 }));
    for (const node of ['ingest', 'encode-source', 'invert-source']) {
      expect(other.task({ node, index: 0 }).id).toBe(taskOf(node).id);
    }
    expect(other.task({ node: 'generate', index: 0 }).id).not.toBe(taskOf('generate').id);
  });

  it.each(['negative-prompt', 'source-prompt'])('inverts by the %s', (sourceInversion) => {
    const told = createPlan(accept({ ...SOURCE, sourceInversion }));
    const prompt = sourceInversion === 'source-prompt' ? SOURCE.sourcePrompt : 'blurry';
    expect(told.task({ node: 'invert-source', index: 0 }).params['negativePrompt']).toBe(prompt);
    // Of the bridge, whichever it is.
    expect(told.task({ node: 'invert-image', index: 0 }).params['negativePrompt']).toBe('blurry');
  });

  it('costs four evaluations of a frame and step, with guidance or without', () => {
    const generate = { node: 'generate', index: 0 };
    const inversion = costUnits(plan, { node: 'invert-source', index: 0 });
    expect(costUnits(plan, generate)).toBe(4 * inversion + 4 * 3);
    const plain = createPlan(accept(SOURCE, { guidanceScale: 1 }));
    expect(costUnits(plain, generate)).toBe(costUnits(plan, generate));
  });
});

describe('an edit is refused', () => {
  it.each<[string, object, object, RegExp]>([
    [
      'replaces words by more',
      { sourcePrompt: 'a cat' },
      {},
      /^edit\.kind: replace goes word by word, and the source's prompt has 2 words, the edited one 4 words; choose refine/,
    ],
    ['changes nothing', {}, {}, /^edit\.sourcePrompt: missing, so nothing would change/],
    [
      'says the same twice',
      { sourcePrompt: 'a blue  cat, sitting' },
      {},
      /^edit\.sourcePrompt: the same as the prompt, so nothing would change/,
    ],
    [
      'has no words',
      { sourcePrompt: ' ', kind: 'refine' },
      {},
      /^edit\.sourcePrompt: has no words/,
    ],
    ['asks for no words', { ...SOURCE, kind: 'refine' }, { prompt: '' }, /^prompt: has no words/],
    [
      'weighs words that are not there',
      { ...SOURCE, weights: { dog: 2, cat: 1, red: 3 } },
      {},
      /^edit\.weights: the prompt has no "dog" or "red"$/,
    ],
    [
      'blends by a word that is nowhere',
      { ...SOURCE, blendWords: ['cat', 'dog'] },
      {},
      /^edit\.blendWords: neither prompt has "dog"$/,
    ],
    [
      'blends by words of one prompt alone',
      { ...SOURCE, blendWords: ['red'] },
      {},
      /^edit\.blendWords: the edited prompt has none of red; name a word of each$/,
    ],
  ])('that %s', (_, edit, more, sentence) => {
    expect(problemsOf(edit, more)).toEqual([expect.stringMatching(sentence) as unknown]);
  });

  it('if the models have no graph for it', () => {
    expect(problemsOf(SOURCE, {}, madeUpModels(madeUpGenerator()))).toEqual([
      expect.stringMatching(/^task: the models in \/models\/x have no UNet whose attention/),
    ]);
  });

  it.each([
    [{ ...SOURCE, weights: 'blue' }, /edit\.weights: .*expected WORD=WEIGHT/],
    [{ ...SOURCE, weights: 'blue=2,BLUE=3' }, /edit\.weights: .*each word once/],
    [{ ...SOURCE, weights: 'blue=1e9' }, /edit\.weights: .*expected WORD=WEIGHT/],
    [
      { ...SOURCE, weights: 'blue=1000' },
      /edit\.weights\.blue: too big: expected number to be <=100/,
    ],
    [{ ...SOURCE, weights: 7 }, /edit\.weights/],
    [
      { ...SOURCE, weights: { blue: 101 } },
      /edit\.weights\.blue: too big: expected at most 100, got 101/,
    ],
    [{ ...SOURCE, blendWords: 'a cat' }, /edit\.blendWords.*single words/],
    [{ ...SOURCE, crossReplace: 1.5 }, /edit\.crossReplace: too big/],
    [{ ...SOURCE, kind: 'swap' }, /edit\.kind: expected one of replace, refine/],
  ])('by the spec: %j', (edit, sentence) => {
    expect(() => accept(edit)).toThrow(sentence);
  });
});
