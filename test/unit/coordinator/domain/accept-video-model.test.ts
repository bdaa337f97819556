// What of a job depends on the video model that a spec names: its parts, its own defaults, the window that it bears.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpModels, madeUpPart } from '../../../support/made-up-models.ts';

const short = madeUpModels().videos['short']!;
const own = {
  ...{ name: 'own', unet: madeUpPart('video/own/unet'), windowMax: 12 },
  defaults: { videoGuidanceScale: 2, mixingRatio: 0.75 },
};
const models = { ...madeUpModels(), videos: { short, own: { ...short, ...own } } };
const source = {
  kind: 'video',
  digest: digestText('clip'),
  path: 'clip.mp4',
  frames: 29,
  alpha: false,
} as const;

function accept(settings: object): AcceptedJob {
  const whole = {
    ...{ apiVersion: 'bivdiff/v1', task: 'frames', prompt: 'go' },
    input: { path: 'clip.mp4', stride: 1 },
  };
  return acceptSpec({
    spec: parseRenderSpec({ ...whole, ...settings }, 'the test'),
    ...{ models, source },
    numerics: { inference: 'cpu-test', media: 'media-test', plain: 'plain' },
  });
}

function problemsOf(settings: object): unknown {
  try {
    accept(settings);
  } catch (reason) {
    return BivdiffError.from(reason).details['problems'];
  }
  return [];
}

describe('a video model that differs from the others', () => {
  const videoModel = 'own';

  it('is all that changes, with its own defaults', () => {
    const { mixingRatio, videoGuidanceScale, models: parts, ...rest } = accept({ videoModel });
    expect({ mixingRatio, videoGuidanceScale }).toEqual(own.defaults);
    expect(accept({})).toMatchObject({ mixingRatio: 0.5, videoGuidanceScale: 9, ...rest });
    expect(parts.videoUnet.name).toBe('video/own/unet');
  });

  it('gives way to what the spec says', () => {
    const said = { mixingRatio: 0.1, videoGuidanceScale: 3 };
    expect(accept({ videoModel, ...said })).toMatchObject(said);
  });

  it('refuses a window of more frames than it knows positions of, and no other', () => {
    expect(problemsOf({ videoModel, frames: 13, window: 13 })).toEqual([
      'window: 13 frames, but the video model own knows positions of 12 at most; ask for a window of up to 12',
    ]);
    expect(problemsOf({ videoModel, frames: 12, window: 100 })).toEqual([]);
    expect(problemsOf({ frames: 13, window: 13 })).toEqual([]);
  });
});
