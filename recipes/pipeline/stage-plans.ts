// What each stage of a job is: how many tasks, with which parameters, models and inputs. This is the pipeline
// of BIVDiff (arXiv 2312.02813, section 3), read top to bottom.

import type { ParamsByStage } from '../../common/stages.ts';
import type { Digest, JsonObject, Stage } from '../../common/task.ts';
import type { AcceptedJob, PartRef } from '../job.ts';
import { batchLayout, indicesOf, partsOfRange, sampleFrames, windowLayout } from './layout.ts';
import type { FrameRange, Layout, LayoutPart } from './layout.ts';

/** Where one role of a stage comes from. */
export interface StageInput {
  readonly stage: Stage;
  readonly output: string;
  /** The slices of that stage's tasks that task i reads, in frame order. */
  readonly parts: (index: number) => readonly LayoutPart[];
}

export interface StagePlan {
  readonly layout: Layout;
  readonly params: (index: number) => JsonObject;
  readonly models: Readonly<Record<string, Digest>>;
  readonly inputs: Readonly<Record<string, StageInput>>;
  readonly sources: Readonly<Record<string, Digest>>;
}

/** Widest contact sheet, in frames. */
const CONTACT_SHEET_COLUMNS_MAX = 12;

/** The stages of a job, those that it does not need left out: mixing ratio 1 has no video inversion, 0 no image inversion. */
export function stagePlans(job: AcceptedJob): ReadonlyMap<Stage, StagePlan> {
  const batches = batchLayout(job.frames, job.frameBatch);
  const windows = windowLayout(job.frames, job.window);
  return new Map<Stage, StagePlan>([
    ...framewisePlans(job, batches),
    ...temporalPlans(job, batches, windows),
    ['decode', decodePlan(job, batches, windows)],
    ['measure', measurePlan(job, batches)],
    ['assemble', assemblePlan(job, batches)],
  ]);
}

function framewisePlans(job: AcceptedJob, batches: Layout): [Stage, StagePlan][] {
  const { models } = job;
  const ingest = stagePlan('ingest', batches, {
    params: (index) => ({
      width: job.width,
      height: job.height,
      resize: job.resize,
      sourceIndices: indicesOf(batches.range(index)).map(
        (frame) => job.source.start + frame * job.source.stride,
      ),
    }),
    sources: { [job.source.kind]: job.source.digest },
  });
  const annotate = stagePlan('annotate', batches, {
    params: () => annotator(job),
    inputs: { frames: reads('ingest', 'frames', batches, batches) },
  });
  const generate = stagePlan('generate', batches, {
    params: () => ({
      task: job.task,
      prompt: job.prompt,
      negativePrompt: job.negativePrompt,
      steps: job.steps,
      guidanceScale: job.guidanceScale,
      conditioningScale: job.control.scale,
      sampler: job.sampler,
      seed: job.seed,
    }),
    models: {
      tokenizer: models.tokenizer,
      'text-encoder': models.textEncoder,
      unet: models.controlUnet,
      'vae-decoder': models.vaeDecoder,
      scheduler: models.scheduler,
    },
    inputs: { control: reads('annotate', 'control', batches, batches) },
  });
  const encode = stagePlan('encode', batches, {
    params: () =>
      job.posterior === 'sample'
        ? { posterior: 'sample', seed: job.seed }
        : { posterior: job.posterior },
    models: { 'vae-encoder': models.vaeEncoder },
    inputs: { frames: reads('generate', 'frames', batches, batches) },
  });
  return [
    ['ingest', ingest],
    ['annotate', annotate],
    ['generate', generate],
    ['encode', encode],
  ];
}

function temporalPlans(job: AcceptedJob, batches: Layout, windows: Layout): [Stage, StagePlan][] {
  const { models, mixingRatio } = job;
  const inversion = { mode: job.inversion, steps: job.steps, negativePrompt: job.negativePrompt };
  const latents = reads('encode', 'latents', batches, windows);
  const videoModels = {
    tokenizer: models.videoTokenizer,
    'text-encoder': models.videoTextEncoder,
    unet: models.videoUnet,
    scheduler: models.scheduler,
  };
  const plans: [Stage, StagePlan][] = [];
  if (mixingRatio > 0) {
    const plan = stagePlan('invert-image', windows, {
      params: () => ({ ...inversion, normScope: job.normScope }),
      models: {
        tokenizer: models.tokenizer,
        'text-encoder': models.textEncoder,
        unet: models.inversionUnet,
        scheduler: models.scheduler,
      },
      inputs: { latents },
    });
    plans.push(['invert-image', plan]);
  }
  if (mixingRatio < 1) {
    const plan = stagePlan('invert-video', windows, {
      params: () => inversion,
      models: videoModels,
      inputs: { latents },
    });
    plans.push(['invert-video', plan]);
  }
  if (mixingRatio > 0 && mixingRatio < 1) {
    const plan = stagePlan('mix', windows, {
      params: () => ({ mixingRatio }),
      inputs: {
        image: counterpart('invert-image', 'noise', windows),
        video: counterpart('invert-video', 'noise', windows),
      },
    });
    plans.push(['mix', plan]);
  }
  const smooth = stagePlan('smooth', windows, {
    params: () => ({
      prompt: job.videoPrompt,
      negativePrompt: job.negativePrompt,
      steps: job.steps,
      guidanceScale: job.videoGuidanceScale,
    }),
    models: videoModels,
    inputs: { noise: counterpart(noiseStage(mixingRatio), 'noise', windows) },
  });
  plans.push(['smooth', smooth]);
  return plans;
}

function noiseStage(mixingRatio: number): Stage {
  if (mixingRatio === 0) return 'invert-video';
  return mixingRatio === 1 ? 'invert-image' : 'mix';
}

function decodePlan(job: AcceptedJob, batches: Layout, windows: Layout): StagePlan {
  return stagePlan('decode', batches, {
    params: () => ({}),
    models: { 'vae-decoder': job.models.vaeDecoder },
    inputs: { latents: reads('smooth', 'latents', windows, batches) },
  });
}

function measurePlan(job: AcceptedJob, batches: Layout): StagePlan {
  // Flicker looks from each frame back to the one before it, which may lie in the batch before.
  const parts = (index: number): LayoutPart[] => {
    const { start, count } = batches.range(index);
    const before = Math.min(1, start);
    return partsOfRange(batches, { start: start - before, count: count + before });
  };
  return stagePlan('measure', batches, {
    params: () => annotator(job),
    inputs: {
      control: { stage: 'annotate', output: 'control', parts },
      generated: { stage: 'generate', output: 'frames', parts },
      smoothed: { stage: 'decode', output: 'frames', parts },
    },
  });
}

/** One task per output; each reads the frames that it shows. */
function assemblePlan(job: AcceptedJob, batches: Layout): StagePlan {
  const all: FrameRange = { start: 0, count: job.frames };
  const sampled = sampleFrames(job.frames, CONTACT_SHEET_COLUMNS_MAX);
  const shown = (index: number): LayoutPart[] =>
    job.outputs[index]?.layout === 'contact-sheet'
      ? sampled.flatMap((start) => partsOfRange(batches, { start, count: 1 }))
      : partsOfRange(batches, all);
  const panel = (index: number): LayoutPart[] =>
    job.outputs[index]?.layout === 'clip' ? [] : shown(index);
  return stagePlan(
    'assemble',
    { count: job.outputs.length, range: () => all, owner: () => 0 },
    {
      params: (index) => job.outputs[index]!,
      inputs: {
        control: { stage: 'annotate', output: 'control', parts: panel },
        generated: { stage: 'generate', output: 'frames', parts: panel },
        smoothed: { stage: 'decode', output: 'frames', parts: shown },
      },
    },
  );
}

interface StageOptions<S extends Stage> {
  readonly params: (index: number) => ParamsByStage[S];
  readonly models?: Readonly<Record<string, PartRef>>;
  readonly inputs?: Readonly<Record<string, StageInput>>;
  readonly sources?: Readonly<Record<string, Digest>>;
}

function stagePlan<S extends Stage>(
  _stage: S,
  layout: Layout,
  options: StageOptions<S>,
): StagePlan {
  const models = Object.entries(options.models ?? {}).map(([role, part]) => [role, part.digest]);
  return {
    layout,
    params: (index) => ({ ...options.params(index) }) as JsonObject,
    models: Object.fromEntries(models) as Record<string, Digest>,
    inputs: options.inputs ?? {},
    sources: options.sources ?? {},
  };
}

function annotator(job: AcceptedJob): ParamsByStage['annotate'] {
  const { annotator: name, low, high } = job.control;
  return { annotator: name, low, high };
}

/** Task i reads the frames that it makes, from whichever tasks own them. */
function reads(stage: Stage, output: string, from: Layout, by: Layout): StageInput {
  return { stage, output, parts: (index) => partsOfRange(from, by.range(index)) };
}

/** Task i reads all of that stage's task i: the same window. */
function counterpart(stage: Stage, output: string, windows: Layout): StageInput {
  return {
    stage,
    output,
    parts: (index) => [{ index, offset: 0, count: windows.range(index).count }],
  };
}
