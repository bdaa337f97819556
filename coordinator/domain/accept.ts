// Acceptance: a checked spec, its models and its source become a job in which every name is a digest and no
// default is open. Pure; all problems at once.

import { canonicalJson } from '../../common/canonical-json.ts';
import { digestText } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { contentsOf, ProblemList, restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { ModelPart, ModelSet, VideoModel } from '../../common/models/model-set.ts';
import type { PartLookup } from '../../common/models/part-facts.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { comparisonFormat } from '../../common/outputs/output-formats.ts';
import type { AssembleParams, NormScope } from '../../common/stages.ts';
import type { JobId } from '../../common/task.ts';
import { PLANNER_REVISION, recipeOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { panelsOf } from '../../recipes/panels.ts';
import { smoothsStepwise, wantedFrames } from '../../recipes/pipeline/job-base.ts';
import type { JobBase, LongClip } from '../../recipes/pipeline/job-base.ts';
import { longestShot } from '../../recipes/pipeline/shots.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import { bridgingOf } from './bridging.ts';
import { checkCaching } from './check-caching.ts';
import { outputProblems } from './check-outputs.ts';
import { samplerProblems } from './check-samplers.ts';
import { CHOICE, choiceProblem, furtherOf } from './check-sources.ts';
import type { SourceFacts } from './check-sources.ts';
import {
  bridgeModels,
  checkSize,
  checkWindow,
  chooseInversionUnet,
  chooseVideo,
  defaultsOf,
} from './choose-models.ts';
import { jobCutsOf } from './cuts.ts';
import { frameSpansOf, framesRestOn, withFrames } from './frame-spans.ts';
import { checkSound, soundOf } from './kept-sound.ts';
import { longClipOf } from './long-clip.ts';
import { speedOf } from './speed.ts';
import { STAND_INS } from './stand-ins.ts';

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
export function acceptSpec(request: AcceptRequest): AcceptedJob {
  const problems = new ProblemList();
  const job = weigh(request, problems);
  const { told } = problems;
  if (told.length === 0 && job !== undefined) return job;
  throw new BivdiffError('invalid-argument', told.join('; '), { details: { problems: told } });
}

/** A render of which not all is known: what could not be read is absent, and of the spec some fields may be stand-ins. */
export interface DraftRender {
  readonly spec: RenderSpec;
  /** The fields that are not as they were asked for, dotted. */
  readonly unknown: readonly string[];
  readonly models?: ModelSet | undefined;
  readonly source?: SourceFacts | undefined;
  readonly sources?: Readonly<Record<string, SourceFacts>>;
  readonly partOf?: PartLookup;
}

/** What acceptance would refuse whatever the unknown is, as `field: what`. */
export function draftProblems(draft: DraftRender): readonly string[] {
  const { spec, unknown, models, source, sources = {} } = draft;
  const unread = [
    ...(models === undefined ? ['models'] : []),
    ...(source === undefined ? ['input.path'] : []),
    ...furtherSources(spec).flatMap(({ name, field }) => (name in sources ? [] : [field])),
  ];
  const problems = new ProblemList([...unknown, ...unread.map(contentsOf)]);
  const { numerics } = STAND_INS;
  weigh(
    {
      ...draft,
      ...{ numerics, models: models ?? STAND_INS.models, source: source ?? STAND_INS.source },
    },
    problems,
  );
  return problems.told;
}

/** Undefined only where there are problems. */
function weigh(asked: AcceptRequest, problems: ProblemSink): AcceptedJob | undefined {
  const request = { ...asked, spec: withFrames(asked.spec, asked.source) };
  const { spec, models, source } = request;
  const rests = restsOf(spec);
  const ofModels = restingOn(problems, contentsOf('models'));
  const size = spec.size ?? { width: models.defaults.width, height: models.defaults.height };
  checkSize(size, models, ofModels);
  const shortage = choiceProblem({ ...spec.input, frames: spec.frames }, source, 'rendered');
  if (shortage !== undefined) {
    restingOn(problems, contentsOf('input.path'), ...CHOICE).push(shortage);
  }
  const sources = furtherOf(request, problems);
  const spans = frameSpansOf(spec, problems);
  const { count: frames } = wantedFrames({ frames: spec.frames, part: spans.part });
  const video = chooseVideo(spec, models, ofModels);
  const cuts = jobCutsOf(spec, source, problems);
  const clip = { frames: spec.frames, cuts };
  const window = Math.min(spec.window ?? video?.window ?? Infinity, longestShot(clip));
  checkWindow(window, video, restingOn(ofModels, ...rests.window));
  // Over one frame both give the same bits, and only the plain UNet has a batch: a lone sample's bits may depend on threads.
  const invertsNothing = spec.bridging.strategy === 'none';
  const normScope = window === 1 || invertsNothing ? 'frame' : spec.inversion.normScope;
  const inversionUnet = chooseInversionUnet(
    normScope,
    models,
    restingOn(ofModels, ...rests.window, 'bridging.strategy'),
  );
  const steps = spec.steps ?? models.defaults.steps;
  const recipe = recipeOf(spec.task);
  const isBridged = recipe.isBridged?.(spec) ?? true;
  const ofBridge = restingOn(problems, 'method');
  const long = isBridged
    ? longClipOf(
        { ...spec, cuts },
        { ...{ window, steps, problems: ofBridge }, windowsRestOn: rests.window },
      )
    : undefined;
  const defaults = defaultsOf(models, video);
  const {
    mixingRatio = defaults.mixingRatio,
    cachedUnet,
    ...drawing
  } = recipe.drawing?.({ spec, models }) ?? {};
  const bridging = bridgingOf({
    ...{ spec, defaults: { mixingRatio }, steps, problems: ofBridge },
    stepsRestOn: rests.steps,
  });
  const outputs = outputsOf(
    spec,
    { ...source, start: spec.input.start + (spans.part?.first ?? 0) },
    problems,
  );
  const part = recipe.accept({ spec, models, source, sources, problems });
  const smoother =
    isBridged && !smoothsStepwise({ ...(long && { long }) }) ? video?.unet : undefined;
  const unets = [cachedUnet, smoother].filter((unet) => unet !== undefined);
  const partOf = asked.partOf ?? (() => undefined);
  checkCaching(spec, { unets, partOf }, restingOn(ofModels, ...rests.window, ...rests.drawing));
  restingOn(ofModels, ...rests.steps, ...rests.drawing).push(
    ...samplerProblems({
      steps,
      scheduler: models.image.scheduler,
      inversion: invertsNothing ? undefined : (spec.inversion.mode ?? models.defaults.inversion),
      video,
      ...drawing,
    }),
  );
  restingOn(problems, ...rests.outputs).push(
    ...outputProblems({
      ...{ size, frames, outputs },
      panels: panelsOf(spec.task, recipe.panels?.(spec)).length,
    }),
  );
  if (!part || !video || !inversionUnet) return undefined;
  const base = baseOf(request, {
    ...{ size, steps, bridging, video, window, long, normScope, inversionUnet, sources },
    ...{ spans, cuts, outputs },
  });
  return { ...base, ...part, models: { ...base.models, ...part.models } } as AcceptedJob;
}

/** What that rests on which several checks begin with: a field that is not given is the models' own. */
function restsOf(spec: RenderSpec) {
  const models = contentsOf('models');
  const given = (field: 'size' | 'steps' | 'window'): readonly string[] =>
    spec[field] === undefined ? [field, models] : [field];
  const frames = [
    ...framesRestOn(spec),
    ...(spec.cuts === 'auto' ? [contentsOf('input.path')] : []),
  ];
  return {
    steps: given('steps'),
    window: [...given('window'), ...frames, 'videoModel', 'cuts'],
    drawing: [
      'task',
      'method',
      'control',
      'controls',
      'scheduler',
      'timesteps',
      'inversion',
      'bridging',
    ],
    outputs: [...given('size'), ...framesRestOn(spec), 'output', 'task', 'control', 'controls'],
  };
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

/** `start`: the source's frame that is shown first. */
function outputsOf(
  spec: RenderSpec,
  { start, ...source }: SourceFacts & { readonly start: number },
  problems: ProblemSink,
): AssembleParams[] {
  const { format, framesPerSecond, comparison, contactSheet, audio } = spec.output;
  const { stride } = spec.input;
  const asked = { source, start, stride, format, framesPerSecond };
  if (audio === 'keep') checkSound(asked, problems);
  const outputs: AssembleParams[] = [
    { layout: 'clip', format, framesPerSecond, ...(audio === 'keep' && { sound: soundOf(asked) }) },
  ];
  if (comparison) {
    outputs.push({ layout: 'comparison', format: comparisonFormat(format), framesPerSecond });
  }
  if (contactSheet) outputs.push({ layout: 'contact-sheet', format: 'png', framesPerSecond });
  return outputs;
}
