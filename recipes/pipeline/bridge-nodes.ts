// The bridge between the two models, the same for every recipe: from frames that were made one by one to frames of one smooth clip
// (arXiv 2312.02813, section 3).

import type { JobBase } from './job-base.ts';
import { batchLayout, windowLayout } from './layout.ts';
import type { Layout } from './layout.ts';
import { counterpartOf, framesOf, planNode } from './plan-node.ts';
import type { NodeOutput, PlanNode } from './plan-node.ts';

export interface Bridge {
  /** In pipeline order: encode, both inversions, mix, smooth, decode, without what the mixing ratio makes needless. */
  readonly nodes: readonly PlanNode[];
  /** The frames of the clip. */
  readonly smoothed: NodeOutput;
}

/** From `generated`, frames in batches. Mixing ratio 1 has no video inversion, 0 no image inversion, and with a strength nothing is inverted. */
export function bridgeNodes(job: JobBase, generated: NodeOutput): Bridge {
  const { models } = job;
  const batches = batchLayout(job.frames, job.frameBatch);
  const windows = windowLayout(job.frames, job.window);
  const encode = planNode('encode', {
    layout: batches,
    params: () =>
      job.posterior === 'sample'
        ? { posterior: 'sample', seed: job.seed }
        : { posterior: job.posterior },
    models: { 'vae-encoder': models.vaeEncoder },
    inputs: { frames: framesOf(generated, batches) },
  });
  const latents = { node: encode, output: 'latents' };
  const { strength, seed } = job;
  const inverted = strength === undefined ? inversionNodes(job, windows, latents) : [];
  const smooth = planNode('smooth', {
    layout: windows,
    params: () => ({
      prompt: job.videoPrompt,
      negativePrompt: job.negativePrompt,
      steps: job.steps,
      guidanceScale: job.videoGuidanceScale,
      ...(strength === undefined ? {} : { noised: { strength, seed } }),
    }),
    models: videoRoles(job),
    inputs:
      strength === undefined
        ? { noise: counterpartOf({ node: inverted.at(-1)!, output: 'noise' }) }
        : { latents: framesOf(latents, windows) },
  });
  const decode = planNode('decode', {
    layout: batches,
    params: () => ({}),
    models: { 'vae-decoder': models.vaeDecoder },
    inputs: { latents: framesOf({ node: smooth, output: 'latents' }, batches) },
  });
  return {
    nodes: [encode, ...inverted, smooth, decode],
    smoothed: { node: decode, output: 'frames' },
  };
}

/** The last of them makes the noise that is smoothed. */
function inversionNodes(job: JobBase, windows: Layout, latents: NodeOutput): PlanNode[] {
  const { models, mixingRatio } = job;
  const inversion = { mode: job.inversion, steps: job.steps, negativePrompt: job.negativePrompt };
  const inputs = { latents: framesOf(latents, windows) };
  const image = planNode('invert-image', {
    layout: windows,
    params: () => ({ ...inversion, normScope: job.normScope }),
    models: {
      tokenizer: models.tokenizer,
      'text-encoder': models.textEncoder,
      unet: models.inversionUnet,
      scheduler: models.scheduler,
    },
    inputs,
  });
  const video = planNode('invert-video', {
    ...{ layout: windows, inputs, models: videoRoles(job) },
    params: () => inversion,
  });
  if (mixingRatio === 1) return [image];
  if (mixingRatio === 0) return [video];
  const mix = planNode('mix', {
    layout: windows,
    params: () => ({ mixingRatio }),
    inputs: {
      image: counterpartOf({ node: image, output: 'noise' }),
      video: counterpartOf({ node: video, output: 'noise' }),
    },
  });
  return [image, video, mix];
}

/** The video model's, with the image model's scheduler. */
function videoRoles({ models }: JobBase) {
  return {
    tokenizer: models.videoTokenizer,
    'text-encoder': models.videoTextEncoder,
    unet: models.videoUnet,
    scheduler: models.scheduler,
  };
}
