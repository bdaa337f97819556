// Accepted jobs for tests of the planner and of dispatch: digests are of made-up models, everything else is as a user's.

import { digestText } from '../../common/digest.ts';
import type { ControlnetJob } from '../../recipes/controlnet/plan.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import type { PartRef } from '../../recipes/job.ts';

/** Of one control that counts alike in all frames and steps. */
type PlainJob = Extract<ControlnetJob, { readonly control: unknown }>;

const part = (name: string): PartRef => ({ name, digest: digestText(name) });

export function acceptedJob(changes: Partial<PlainJob> = {}): PlainJob {
  return {
    plannerRevision: 1,
    source: { kind: 'video', digest: digestText('clip'), start: 0, stride: 4 },
    frames: 8,
    width: 128,
    height: 128,
    resize: 'stretch',
    control: { annotator: 'canny', low: 60, high: 150, scale: 1 },
    task: 'controlnet',
    prompt: 'a red circle',
    negativePrompt: '',
    videoPrompt: 'a red circle',
    steps: 50,
    guidanceScale: 7.5,
    videoGuidanceScale: 7.5,
    mixingRatio: 0.5,
    inversion: 'ddim',
    normScope: 'window',
    sampler: 'ddim',
    posterior: 'mode',
    seed: 42,
    frameBatch: 4,
    window: 8,
    models: {
      tokenizer: part('image/tokenizer'),
      textEncoder: part('image/text_encoder'),
      controlUnet: part('image/unet+canny'),
      inversionUnet: part('image/unet-inflated'),
      vaeEncoder: part('image/vae_encoder'),
      vaeDecoder: part('image/vae_decoder'),
      scheduler: part('image/scheduler'),
      videoTokenizer: part('video/tokenizer'),
      videoTextEncoder: part('video/text_encoder'),
      videoUnet: part('video/unet'),
    },
    numerics: { inference: 'cpu-test', media: 'media-test', plain: 'plain' },
    outputs: [{ layout: 'clip', format: 'mp4', framesPerSecond: 8 }],
    ...changes,
  };
}

/** Numerics classes of one name. */
export function classesNamed(name: string): NumericsClasses {
  return { inference: name, media: name, plain: name };
}
