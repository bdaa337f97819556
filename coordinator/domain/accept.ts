// Acceptance: a checked spec, its models and its source become a job in which every name is a digest and no
// default is open. Pure; all problems at once.

import { canonicalJson } from '../../common/canonical-json.ts';
import { digestText } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { ModelPart, ModelSet, VideoModel } from '../../common/models/model-set.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { StoredSource } from '../../common/source.ts';
import type { AssembleParams } from '../../common/stages.ts';
import type { JobId } from '../../common/task.ts';
import { PLANNER_REVISION } from '../../recipes/job.ts';
import type { AcceptedJob, PartRef } from '../../recipes/job.ts';
import { outputProblems } from './check-outputs.ts';
import { samplerProblems } from './check-samplers.ts';

/** What is known of the source once it has been looked at. */
export interface SourceFacts extends StoredSource {
  /** As the user named it, for errors. */
  readonly path: string;
  readonly frames: number;
}

export interface AcceptRequest {
  readonly spec: RenderSpec;
  readonly models: ModelSet;
  readonly source: SourceFacts;
  readonly numerics: AcceptedJob['numerics'];
}

/**
 * Accepts a spec.
 * @throws invalid-argument — lists everything in which spec, models and source do not fit together
 */
export function acceptSpec(request: AcceptRequest): AcceptedJob {
  const { spec, models, source, numerics } = request;
  const problems: string[] = [];
  const size = spec.size ?? { width: models.defaults.width, height: models.defaults.height };
  checkSize(size, models, problems);
  checkSource(spec, source, problems);
  const video = chooseVideo(spec, models, problems);
  const control = models.controls[spec.control.type];
  const controlUnet = models.image.controlnets[spec.control.type];
  if (control === undefined || controlUnet === undefined) {
    const known = Object.keys(models.image.controlnets).join(', ') || 'none';
    problems.push(
      `control.type: the models in ${models.folder} have no ControlNet for ${spec.control.type} (they have: ${known})`,
    );
  }
  const inversionUnet =
    spec.inversion.normScope === 'window' ? models.image.unetInflated : models.image.unet;
  if (inversionUnet === undefined) {
    problems.push(
      `inversion.normScope: the models in ${models.folder} have no inflated UNet; use normScope frame, or export one`,
    );
  }
  const low = spec.control.low ?? control?.low ?? 0;
  const high = spec.control.high ?? control?.high ?? 0;
  const { scheduler } = models.image;
  const steps = spec.steps ?? models.defaults.steps;
  const sampler = spec.scheduler ?? models.defaults.sampler;
  const inversion = spec.inversion.mode ?? models.defaults.inversion;
  problems.push(...samplerProblems({ steps, scheduler, sampler, inversion, video }));
  problems.push(...outputProblems({ size, frames: spec.frames, outputs: outputsOf(spec) }));
  if (low > high) problems.push(`control.low: ${low} is above the high threshold, ${high}`);

  if (
    problems.length > 0 ||
    video === undefined ||
    controlUnet === undefined ||
    inversionUnet === undefined
  ) {
    throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
  }
  const { defaults } = models;
  return {
    plannerRevision: PLANNER_REVISION,
    source: {
      kind: source.kind,
      digest: source.digest,
      start: spec.input.start,
      stride: spec.input.stride,
    },
    frames: spec.frames,
    width: size.width,
    height: size.height,
    resize: spec.resize,
    control: { annotator: spec.control.type, low, high, scale: spec.control.scale },
    task: spec.task,
    prompt: spec.prompt,
    negativePrompt: spec.negativePrompt ?? defaults.negativePrompt,
    videoPrompt:
      spec.videoPrompt === undefined || spec.videoPrompt === '' ? spec.prompt : spec.videoPrompt,
    steps,
    guidanceScale: spec.guidanceScale ?? defaults.guidanceScale,
    videoGuidanceScale: spec.videoGuidanceScale ?? defaults.videoGuidanceScale,
    mixingRatio: spec.mixingRatio ?? defaults.mixingRatio,
    inversion,
    normScope: spec.inversion.normScope,
    sampler,
    posterior: spec.posterior,
    seed: spec.seed,
    frameBatch: spec.frameBatch,
    window: Math.min(spec.window ?? video.window, spec.frames),
    models: partRefs(models, video, controlUnet, inversionUnet),
    numerics,
    outputs: outputsOf(spec),
  };
}

/** The job's id: over all of it, so the same render asked for twice is one job. */
export function jobIdOf(job: AcceptedJob): JobId {
  return digestText(canonicalJson(job)) as string as JobId;
}

function checkSize(
  size: { width: number; height: number },
  models: ModelSet,
  problems: string[],
): void {
  const multiple = models.sizeMultiple;
  if (size.width % multiple === 0 && size.height % multiple === 0) return;
  const nearest = (pixels: number): number =>
    Math.max(multiple, Math.round(pixels / multiple) * multiple);
  problems.push(
    `size: ${size.width}x${size.height} does not fit these models, which take multiples of ${multiple}; ` +
      `the nearest is ${nearest(size.width)}x${nearest(size.height)}`,
  );
}

function checkSource(spec: RenderSpec, source: SourceFacts, problems: string[]): void {
  const { start, stride } = spec.input;
  const needed = start + (spec.frames - 1) * stride + 1;
  if (source.frames >= needed) return;
  const most = Math.max(0, Math.floor((source.frames - 1 - start) / stride) + 1);
  problems.push(
    `frames: ${source.path} has ${source.frames} frames, but ${needed} are needed for ${spec.frames} frames ` +
      `from ${start} with stride ${stride}; at most ${most} can be rendered so`,
  );
}

function chooseVideo(
  spec: RenderSpec,
  models: ModelSet,
  problems: string[],
): VideoModel | undefined {
  const name = spec.videoModel ?? models.defaultVideo;
  const video = models.videos[name];
  if (video === undefined) {
    problems.push(
      `videoModel: no video model ${name} in ${models.folder} (there: ${Object.keys(models.videos).join(', ')})`,
    );
  }
  return video;
}

function partRefs(
  models: ModelSet,
  video: VideoModel,
  controlUnet: ModelPart,
  inversionUnet: ModelPart,
): AcceptedJob['models'] {
  const ref = (part: ModelPart): PartRef => ({ name: part.name, digest: part.digest });
  const { image } = models;
  return {
    tokenizer: ref(image.tokenizer),
    textEncoder: ref(image.textEncoder),
    controlUnet: ref(controlUnet),
    inversionUnet: ref(inversionUnet),
    vaeEncoder: ref(image.vaeEncoder),
    vaeDecoder: ref(image.vaeDecoder),
    scheduler: ref(image.scheduler),
    videoTokenizer: ref(video.tokenizer),
    videoTextEncoder: ref(video.textEncoder),
    videoUnet: ref(video.unet),
  };
}

function outputsOf(spec: RenderSpec): AssembleParams[] {
  const { format, framesPerSecond, comparison, contactSheet } = spec.output;
  const outputs: AssembleParams[] = [{ layout: 'clip', format, framesPerSecond }];
  const movie = format === 'png-sequence' ? 'mp4' : format;
  if (comparison) outputs.push({ layout: 'comparison', format: movie, framesPerSecond });
  if (contactSheet) outputs.push({ layout: 'contact-sheet', format: 'png', framesPerSecond });
  return outputs;
}
