// The bridge between the two models, the same for every recipe: from frames that were made one by one to frames of one smooth clip
// (arXiv 2312.02813, section 3).

import type { EncodeParams, SmoothParams } from '../../common/stages.ts';
import { seedOver, videoPromptOver } from './frame-settings.ts';
import { smoothingSteps, smoothsStepwise } from './job-base.ts';
import type { JobBase } from './job-base.ts';
import { batchLayout } from './layout.ts';
import type { FrameRange } from './layout.ts';
import { counterpartOf, framesOf, planNode } from './plan-node.ts';
import type { NodeOutput, PlanNode } from './plan-node.ts';
import { madeBy, windowingOf } from './windowing.ts';
import type { Windowing } from './windowing.ts';

export interface Bridge {
  /** In pipeline order: encode, both inversions, mix, smooth, decode, without what the mixing ratio makes needless. */
  readonly nodes: readonly PlanNode[];
  /** The frames of the clip. */
  readonly smoothed: NodeOutput;
}

/** From `generated`, frames in batches. Mixing ratio 1 has no video inversion, 0 no image inversion, and with a strength nothing is inverted. */
export function bridgeNodes(job: JobBase, generated: NodeOutput): Bridge {
  const { models, strength } = job;
  const batches = batchLayout(job.frames, job.frameBatch);
  const windowing = windowingOf(job);
  const encode = planNode('encode', {
    layout: batches,
    params: (index) => encodeParams(job, batches.range(index)),
    models: { 'vae-encoder': models.vaeEncoder },
    inputs: { frames: framesOf(generated, batches) },
  });
  const inverted = strength === undefined ? inversionNodes(job, windowing, madeBy(encode)) : [];
  const smooth = windowing.run({
    stage: 'smooth',
    params: (frames) => ({
      prompt: videoPromptOver(job, frames),
      negativePrompt: job.negativePrompt,
      steps: job.steps,
      guidanceScale: job.videoGuidanceScale,
      ...(job.guidanceEnd === undefined ? {} : { guidanceEnd: job.guidanceEnd }),
      ...(smoothsStepwise(job) ? {} : cachingOf(job)),
    }),
    ...(strength !== undefined && {
      firstParams: (frames) => ({ noised: { strength, seed: seedOver(job, frames) } }),
    }),
    models: videoRoles(job),
    from: madeBy(inverted.at(-1) ?? encode),
    steps: { first: job.steps - smoothingSteps(job), end: job.steps },
  });
  const ending = windowing.ending(madeBy(smooth.at(-1)!));
  const decode = planNode('decode', {
    layout: batches,
    params: () => ({}),
    models: { 'vae-decoder': models.vaeDecoder },
    inputs: { latents: framesOf(madeBy([...smooth, ...ending].at(-1)!), batches) },
  });
  return {
    nodes: [encode, ...inverted, ...smooth, ...ending, decode],
    smoothed: { node: decode, output: 'frames' },
  };
}

function cachingOf({ cacheInterval }: JobBase): Pick<SmoothParams, 'cacheInterval'> {
  return cacheInterval === undefined ? {} : { cacheInterval };
}

/** Of the task that encodes these frames. */
export function encodeParams(job: JobBase, frames: FrameRange): EncodeParams {
  const { posterior } = job;
  return posterior === 'sample' ? { posterior, seed: seedOver(job, frames) } : { posterior };
}

/** The last of them makes the noise that is smoothed. */
function inversionNodes(job: JobBase, windowing: Windowing, latents: NodeOutput): PlanNode[] {
  const { models, mixingRatio, normScope } = job;
  const inversion = { mode: job.inversion, steps: job.steps, negativePrompt: job.negativePrompt };
  const steps = { first: 0, end: job.steps };
  const image = (): PlanNode[] =>
    windowing.run({
      ...{ stage: 'invert-image', from: latents, steps, isFrameWise: normScope === 'frame' },
      params: () => ({ ...inversion, normScope }),
      models: {
        tokenizer: models.tokenizer,
        'text-encoder': models.textEncoder,
        unet: models.inversionUnet,
        scheduler: models.scheduler,
      },
    });
  const video = (): PlanNode[] =>
    windowing.run({
      ...{ stage: 'invert-video', from: latents, steps, params: () => inversion },
      models: videoRoles(job),
    });
  if (mixingRatio === 1) return image();
  if (mixingRatio === 0) return video();
  const nodes = { image: image(), video: video() };
  const mix = planNode('mix', {
    layout: windowing.layout,
    params: () => ({ mixingRatio }),
    inputs: {
      image: counterpartOf(madeBy(nodes.image.at(-1)!)),
      video: counterpartOf(madeBy(nodes.video.at(-1)!)),
    },
  });
  return [...nodes.image, ...nodes.video, mix];
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
