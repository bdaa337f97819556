// Acceptance: a checked spec, its models and its source become a job in which every name is a digest and no
// default is open. Pure; all problems at once.

import { canonicalJson } from '../../common/canonical-json.ts';
import { digestText } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import type {
  ModelDefaults,
  ModelPart,
  ModelSet,
  VideoModel,
} from '../../common/models/model-set.ts';
import type { PartLookup } from '../../common/models/part-facts.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { comparisonFormat } from '../../common/outputs/output-formats.ts';
import type { AssembleParams, NormScope } from '../../common/stages.ts';
import type { JobId } from '../../common/task.ts';
import { PLANNER_REVISION, recipeOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { panelsOf } from '../../recipes/panels.ts';
import { partRef } from '../../recipes/pipeline/generator-parts.ts';
import { smoothsStepwise, wantedFrames } from '../../recipes/pipeline/job-base.ts';
import type { BridgeModels, JobBase, LongClip } from '../../recipes/pipeline/job-base.ts';
import { longestShot } from '../../recipes/pipeline/shots.ts';
import { bridgingOf } from './bridging.ts';
import { checkCaching } from './check-caching.ts';
import { outputProblems } from './check-outputs.ts';
import { samplerProblems } from './check-samplers.ts';
import { choiceProblem, furtherOf } from './check-sources.ts';
import type { SourceFacts } from './check-sources.ts';
import { jobCutsOf } from './cuts.ts';
import { frameSpansOf, withFrames } from './frame-spans.ts';
import { soundOf, soundProblems } from './kept-sound.ts';
import { longClipOf } from './long-clip.ts';
import { speedOf } from './speed.ts';

export interface AcceptRequest {
  readonly spec: RenderSpec;
  readonly models: ModelSet;
  readonly source: SourceFacts;
  /** Of each further source that the spec names, by its name. @default it names none */
  readonly sources?: Readonly<Record<string, SourceFacts>>;
  readonly numerics: AcceptedJob['numerics'];
  /** @default nothing is known of graphs, and none is refused */
  readonly partOf?: PartLookup;
}

/**
 * Accepts a spec.
 * @throws invalid-argument — lists everything in which spec, models and source do not fit together
 */
export function acceptSpec(asked: AcceptRequest): AcceptedJob {
  const request = { ...asked, spec: withFrames(asked.spec, asked.source) };
  const { spec, models, source } = request;
  const problems: string[] = [];
  const size = spec.size ?? { width: models.defaults.width, height: models.defaults.height };
  checkSize(size, models, problems);
  const shortage = choiceProblem({ ...spec.input, frames: spec.frames }, source, 'rendered');
  if (shortage !== undefined) problems.push(shortage);
  const sources = furtherOf(request, problems);
  const spans = frameSpansOf(spec, problems);
  const { count: frames } = wantedFrames({ frames: spec.frames, part: spans.part });
  const video = chooseVideo(spec, models, problems);
  const cuts = jobCutsOf(spec, source, problems);
  const clip = { frames: spec.frames, cuts };
  const window = Math.min(spec.window ?? video?.window ?? Infinity, longestShot(clip));
  checkWindow(window, video, problems);
  // Over one frame both give the same bits, and only the plain UNet has a batch: a lone sample's bits may depend on threads.
  const invertsNothing = spec.bridging.strategy === 'none';
  const normScope = window === 1 || invertsNothing ? 'frame' : spec.inversion.normScope;
  const inversionUnet = chooseInversionUnet(normScope, models, problems);
  const steps = spec.steps ?? models.defaults.steps;
  const recipe = recipeOf(spec.task);
  const isBridged = recipe.isBridged?.(spec) ?? true;
  const long = isBridged ? longClipOf({ ...spec, cuts }, { window, steps, problems }) : undefined;
  const defaults = defaultsOf(models, video);
  const {
    mixingRatio = defaults.mixingRatio,
    cachedUnet,
    ...drawing
  } = recipe.drawing?.({ spec, models }) ?? {};
  const bridging = bridgingOf({ spec, defaults: { mixingRatio }, steps, problems });
  const outputs = outputsOf(
    spec,
    { ...source, start: spec.input.start + (spans.part?.first ?? 0) },
    problems,
  );
  const part = recipe.accept({ spec, models, source, sources, problems });
  const smoother =
    isBridged && !smoothsStepwise({ ...(long && { long }) }) ? video?.unet : undefined;
  const unets = [cachedUnet, smoother].filter((unet) => unet !== undefined);
  checkCaching(spec, { unets, partOf: asked.partOf ?? (() => undefined) }, problems);
  problems.push(
    ...samplerProblems({
      steps,
      scheduler: models.image.scheduler,
      inversion: invertsNothing ? undefined : (spec.inversion.mode ?? models.defaults.inversion),
      video,
      ...drawing,
    }),
    ...outputProblems({
      ...{ size, frames, outputs },
      panels: panelsOf(spec.task, recipe.panels?.(spec)).length,
    }),
  );
  if (problems.length > 0 || !part || !video || !inversionUnet) {
    throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
  }
  const base = baseOf(request, {
    ...{ size, steps, bridging, video, window, long, normScope, inversionUnet, sources },
    ...{ spans, cuts, outputs },
  });
  return { ...base, ...part, models: { ...base.models, ...part.models } } as AcceptedJob;
}

interface Chosen {
  readonly size: { readonly width: number; readonly height: number };
  readonly steps: number;
  readonly bridging: Pick<JobBase, 'mixingRatio' | 'strength'>;
  readonly video: VideoModel;
  readonly window: number;
  readonly long: LongClip | undefined;
  readonly normScope: NormScope;
  readonly inversionUnet: ModelPart;
  readonly sources: NonNullable<JobBase['sources']>;
  readonly spans: ReturnType<typeof frameSpansOf>;
  readonly cuts: JobBase['cuts'] | undefined;
  readonly outputs: readonly AssembleParams[];
}

/** What every job has. */
function baseOf({ spec, models, source, numerics }: AcceptRequest, chosen: Chosen): JobBase {
  const { size, steps, bridging, video, window, long, normScope, inversionUnet, sources } = chosen;
  const defaults = defaultsOf(models, video);
  return {
    plannerRevision: PLANNER_REVISION,
    source: {
      kind: source.kind,
      digest: source.digest,
      start: spec.input.start,
      stride: spec.input.stride,
    },
    ...(Object.keys(sources).length === 0 ? {} : { sources }),
    frames: spec.frames,
    ...(chosen.cuts && { cuts: chosen.cuts }),
    width: size.width,
    height: size.height,
    resize: spec.resize,
    prompt: spec.prompt,
    negativePrompt: spec.negativePrompt ?? defaults.negativePrompt,
    videoPrompt:
      spec.videoPrompt === undefined || spec.videoPrompt === '' ? spec.prompt : spec.videoPrompt,
    steps,
    videoGuidanceScale: spec.videoGuidanceScale ?? defaults.videoGuidanceScale,
    ...speedOf(spec),
    ...bridging,
    inversion: spec.inversion.mode ?? defaults.inversion,
    normScope,
    posterior: spec.posterior,
    seed: spec.seed,
    frameBatch: spec.frameBatch,
    window,
    ...chosen.spans,
    ...(long && { long }),
    models: bridgeModels(models, video, inversionUnet),
    numerics,
    outputs: chosen.outputs,
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

function checkWindow(window: number, video: VideoModel | undefined, problems: string[]): void {
  const { name, windowMax = Infinity } = video ?? {};
  if (video === undefined || window <= windowMax) return;
  problems.push(
    `window: ${window} frames, but the video model ${name} knows positions of ${windowMax} at most; ask for a window of up to ${windowMax}`,
  );
}

/** The set's, but for those that the video model has its own of. */
function defaultsOf({ defaults }: ModelSet, video: VideoModel | undefined): ModelDefaults {
  const own = Object.entries(video?.defaults ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(own) };
}

/** Norm scope `window` inverts by the inflated UNet, `frame` by the plain one. */
function chooseInversionUnet(
  normScope: NormScope,
  { image, folder }: ModelSet,
  problems: string[],
): ModelPart | undefined {
  const unet = normScope === 'window' ? image.unetInflated : image.unet;
  if (unet === undefined) {
    problems.push(
      `inversion.normScope: the models in ${folder} have no inflated UNet; choose frame, or export one`,
    );
  }
  return unet;
}

function bridgeModels(
  { image }: ModelSet,
  video: VideoModel,
  inversionUnet: ModelPart,
): BridgeModels {
  return {
    tokenizer: partRef(image.tokenizer),
    textEncoder: partRef(image.textEncoder),
    inversionUnet: partRef(inversionUnet),
    vaeEncoder: partRef(image.vaeEncoder),
    vaeDecoder: partRef(image.vaeDecoder),
    scheduler: partRef(image.scheduler),
    videoTokenizer: partRef(video.tokenizer),
    videoTextEncoder: partRef(video.textEncoder),
    videoUnet: partRef(video.unet),
  };
}

/** `start`: the source's frame that is shown first. */
function outputsOf(
  spec: RenderSpec,
  { start, ...source }: SourceFacts & { readonly start: number },
  problems: string[],
): AssembleParams[] {
  const { format, framesPerSecond, comparison, contactSheet, audio } = spec.output;
  const { stride } = spec.input;
  const asked = { source, start, stride, format, framesPerSecond };
  if (audio === 'keep') problems.push(...soundProblems(asked));
  const outputs: AssembleParams[] = [
    { layout: 'clip', format, framesPerSecond, ...(audio === 'keep' && { sound: soundOf(asked) }) },
  ];
  if (comparison) {
    outputs.push({ layout: 'comparison', format: comparisonFormat(format), framesPerSecond });
  }
  if (contactSheet) outputs.push({ layout: 'contact-sheet', format: 'png', framesPerSecond });
  return outputs;
}
