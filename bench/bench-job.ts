// The job that planning and commits are measured with: fixed, so that the digest over its ids is comparable between runs and machines.

import { digestText } from '../common/digest.ts';
import type { AcceptedJob, PartRef } from '../recipes/job.ts';

const part = (name: string): PartRef => ({ name, digest: digestText(name) });

export function benchJob(frames: number): AcceptedJob {
  return {
    plannerRevision: 1,
    source: { kind: 'video', digest: digestText('bench'), start: 0, stride: 1 },
    frames,
    width: 512,
    height: 512,
    resize: 'stretch',
    control: { annotator: 'canny', low: 60, high: 150, scale: 1 },
    task: 'controlnet',
    prompt: 'a red circle moving left on a gray background',
    negativePrompt: '',
    videoPrompt: 'a red circle moving left on a gray background',
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
    window: 16,
    models: {
      tokenizer: part('tokenizer'),
      textEncoder: part('text-encoder'),
      controlUnet: part('control-unet'),
      inversionUnet: part('inversion-unet'),
      vaeEncoder: part('vae-encoder'),
      vaeDecoder: part('vae-decoder'),
      scheduler: part('scheduler'),
      videoTokenizer: part('video-tokenizer'),
      videoTextEncoder: part('video-text-encoder'),
      videoUnet: part('video-unet'),
    },
    numerics: { inference: 'bench', media: 'bench', plain: 'bench' },
    outputs: [{ layout: 'clip', format: 'mp4', framesPerSecond: 8 }],
  };
}
