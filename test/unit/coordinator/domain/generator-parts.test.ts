// A generator may bring parts of its own: which tasks of a job take them, and which take the image model's.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { modelsOfJob } from '../../../../recipes/job.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels, madeUpPart } from '../../../support/made-up-models.ts';

const CANNY = madeUpModels(madeUpGenerator());
const size = { frames: 29, width: 64, height: 32, alpha: false } as const;
const source = { kind: 'video', digest: digestText('clip'), path: 'clip.mp4', ...size } as const;

function accept(models = CANNY): AcceptedJob {
  const spec = { task: 'controlnet', input: { path: 'clip.mp4' }, prompt: 'go' };
  return acceptSpec({
    spec: parseRenderSpec({ apiVersion: 'bivdiff/v1', ...spec }, 'the test'),
    ...{ models, source },
    numerics: { inference: 'cpu-test', media: 'media-test', plain: 'plain' },
  });
}

describe('a job', () => {
  it("names a generator's own parts, which its generate tasks alone take", () => {
    const scheduler = madeUpPart('image/canny/scheduler');
    const textEncoder = madeUpPart('image/canny/text-encoder');
    const vaeEncoder = madeUpPart('image/canny/vae-encoder');
    const vaeDecoder = madeUpPart('image/canny/vae-decoder');
    const job = accept(
      madeUpModels(madeUpGenerator({ scheduler, textEncoder, vaeEncoder, vaeDecoder })),
    );
    const ref = ({ name, digest }: typeof scheduler) => ({ name, digest });
    expect(job.models).toMatchObject({
      generatorScheduler: ref(scheduler),
      generatorTextEncoder: ref(textEncoder),
      generatorVaeDecoder: ref(vaeDecoder),
      scheduler: ref(CANNY.image.scheduler),
      textEncoder: ref(CANNY.image.textEncoder),
    });
    expect(job.models).not.toHaveProperty('generatorTokenizer');
    expect(modelsOfJob(job)).toEqual(expect.arrayContaining([ref(scheduler), ref(textEncoder)]));
    const plan = createPlan(job);
    const modelsAt = (node: string) => plan.task({ node, index: 0 }).models;
    expect(modelsAt('generate')).toEqual({
      tokenizer: CANNY.image.tokenizer.digest,
      'text-encoder': textEncoder.digest,
      unet: digestText('image/unet+canny'),
      'vae-decoder': vaeDecoder.digest,
      scheduler: scheduler.digest,
    });
    // What bridges the frames has the latents of the image model, whatever drew them.
    expect(modelsAt('encode')).toEqual({ 'vae-encoder': CANNY.image.vaeEncoder.digest });
    expect(modelsAt('decode')).toEqual({ 'vae-decoder': CANNY.image.vaeDecoder.digest });
    expect(modelsAt('invert-image')).toMatchObject({
      'text-encoder': CANNY.image.textEncoder.digest,
      scheduler: CANNY.image.scheduler.digest,
    });
  });

  it('names no part twice that a generator shares with the image model', () => {
    const { models } = accept();
    expect(Object.keys(models).filter((role) => role.startsWith('generator'))).toEqual([]);
  });
});
