// Which jobs need graphs that can be cut for a cache interval, and what is said where one cannot: beside whatever else is wrong.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { PartLookup } from '../../../../common/models/part-facts.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels } from '../../../support/made-up-models.ts';

const models = madeUpModels(
  madeUpGenerator(),
  madeUpGenerator({ name: 'p2p', task: 'prompt-to-prompt' }),
  madeUpGenerator({ name: 'together', method: 'controlvideo' }),
);
const numerics = { inference: 'cpu-test', media: 'media-test', plain: 'plain' };
const clip = { kind: 'video', digest: digestText('clip'), path: 'clip.mp4' } as const;
const source = { ...clip, frames: 640, width: 64, height: 32, alpha: false };

/** Of a set of which these parts can be cut. */
function problemsOf(settings: object, cut: readonly string[] = []): unknown {
  const partOf: PartLookup = (digest) => ({
    ...{ name: '', config: {}, weightBytes: 1 },
    formBytes: () => (cut.some((name) => digestText(name) === digest) ? 1 : undefined),
  });
  const whole = { apiVersion: 'bivdiff/v1', input: { path: 'clip.mp4' }, prompt: 'go' };
  const spec = parseRenderSpec({ ...whole, task: 'controlnet', ...settings }, 'the test');
  try {
    acceptSpec({ spec, models, source, numerics, partOf });
  } catch (reason) {
    const { code, details } = BivdiffError.from(reason);
    expect(code).toBe('invalid-argument');
    return details['problems'];
  }
  return [];
}

const both: readonly unknown[] = [
  expect.stringMatching(
    /^fast: features of image\/unet\+canny \(.*\) and video\/short\/unet \(.*\) cannot be used again, .*; leave it out, or say a cache interval of 1 beside it$/,
  ),
];

describe('a graph that cannot be cut', () => {
  it('is refused where features are used again, with its name, under the setting that says so', () => {
    expect(problemsOf({ fast: true })).toEqual(both);
    for (const settings of [{ cacheInterval: 2 }, { fast: true, cacheInterval: 2 }]) {
      expect(problemsOf(settings, ['video/short/unet'])).toEqual([
        expect.stringMatching(/^cacheInterval: features of image\/unet\+canny \(.*; say 1$/),
      ]);
    }
  });

  it('is told of beside what else is wrong', () => {
    expect(problemsOf({ fast: true, size: { width: 100, height: 100 } })).toEqual([
      expect.stringMatching(/^size: 100x100/),
      ...both,
    ]);
  });

  it.each([
    ['nothing is used again', {}],
    ['all is run whole', { fast: true, cacheInterval: 1 }],
    ['it can be cut', { fast: true }, ['image/unet+canny', 'video/short/unet']],
    [
      'windows take each step together',
      { fast: true, frames: 12, long: 'co-denoise' },
      ['image/unet+canny'],
    ],
    [
      'Prompt-to-Prompt draws with it',
      {
        ...{ task: 'prompt-to-prompt', prompt: 'a red star', fast: true },
        edit: { sourcePrompt: 'a blue star' },
      },
      ['video/short/unet'],
    ],
    ['no frames are drawn', { task: 'frames', fast: true }, ['video/short/unet']],
  ])('is none where %s', (_, settings, cut: string[] = []) => {
    expect(problemsOf(settings, cut)).toEqual([]);
  });

  it('is not said of --method controlvideo, which uses no features again', () => {
    expect(problemsOf({ method: 'controlvideo', fast: true })).toEqual([
      expect.stringMatching(/^fast: method controlvideo/),
    ]);
  });
});
