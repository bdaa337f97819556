// How much arithmetic the tasks of a stage are at a job's size, steps and models; what a forecast carries from one render to another. Where
// cost.ts compares tasks of one job, this compares jobs. Pure.

import { modelRuns } from '../../common/diffusion/model-runs.ts';
import { operationsOf, unetWork, vaeWork } from '../../common/models/graph-work.ts';
import type { Digest, JsonObject, Stage } from '../../common/task.ts';
import { nodesOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { drawingSteps } from '../../recipes/pipeline/generator-settings.ts';
import { smoothsStepwise, stepsOfTask } from '../../recipes/pipeline/job-base.ts';
import type { PlanNode } from '../../recipes/pipeline/plan-node.ts';
import { framesRun, sumOverTasks } from '../../recipes/pipeline/layout.ts';

/** The config of a model part; undefined for one that is not at hand. */
export type ConfigLookup = (part: Digest) => JsonObject | undefined;

export interface StageWork {
  readonly stage: Stage;
  /** Digests of the graphs that it runs; empty if it runs none. Rates travel between jobs of equal ones. */
  readonly graphs: string;
  /** Of one task that makes so many frames. Operations where it runs graphs, else pixels. */
  readonly ofTask: (frames: number) => number;
  /** Of all tasks. */
  readonly total: number;
}

/** Pixels that take as long as a media process takes to start. */
const PROCESS_PIXELS = 50 * 128 * 128;
/** A latent stands for so many pixels along each side. */
const REDUCTION = 8;

/** By stage. A stage is left out if the config of a graph that it runs is not known. */
export function workOfJob(job: AcceptedJob, configOf: ConfigLookup): ReadonlyMap<Stage, StageWork> {
  const byStage = new Map<Stage, StageWork>();
  for (const node of nodesOf(job)) {
    const ofFrame = frameWork(node, job, configOf);
    if (ofFrame === undefined) continue;
    const { stage, layout } = node;
    const ofTask = (frames: number): number => startWork(stage) + frames * ofFrame;
    const own = sumOverTasks(layout, (task) => ofTask(framesRun(layout, task)));
    const total = (byStage.get(stage)?.total ?? 0) + own;
    byStage.set(stage, { stage, graphs: graphsOf(node).join(), ofTask, total });
  }
  return byStage;
}

function frameWork(
  { stage, models }: PlanNode,
  job: AcceptedJob,
  configOf: ConfigLookup,
): number | undefined {
  const latents = (job.width / REDUCTION) * (job.height / REDUCTION);
  const pass = (role: string): number | undefined => {
    const config = models[role] === undefined ? undefined : configOf(models[role]);
    if (config === undefined) return undefined;
    if (role === 'unet') return operationsOf(unetWork(config), latents);
    return operationsOf(vaeWork(config, role === 'vae-encoder' ? 'encoder' : 'decoder'), latents);
  };
  const times = (count: number, work: number | undefined): number | undefined =>
    work === undefined ? undefined : count * work;
  const passes = drawingRuns(job);
  switch (stage) {
    case 'generate': {
      const drawn = times(passes, pass('unet'));
      const decoded = pass('vae-decoder');
      return drawn === undefined || decoded === undefined ? undefined : drawn + decoded;
    }
    case 'encode':
      return pass('vae-encoder');
    case 'decode':
      return pass('vae-decoder');
    case 'invert-image':
    case 'invert-video':
      return times(stepsOfTask(job, stage), pass('unet'));
    case 'smooth':
      return times(
        stepsOfTask(job, stage) * runsOfStep(branches(job.videoGuidanceScale), 'smooth', job),
        pass('unet'),
      );
    default:
      return job.width * job.height;
  }
}

/** Of a task, whatever it makes. */
function startWork(stage: Stage): number {
  return stage === 'ingest' || stage === 'assemble' ? PROCESS_PIXELS : 0;
}

/** Of what a run of the whole UNet is, that of what lies behind its deep features: as of Stable Diffusion and ZeroScope (docs/samplers.md), small models more. */
const SHALLOW_SHARE = 0.1;

/** Runs of the whole UNet at a step of drawing or smoothing, on average: guidance may be dropped after a share of them, and features be cached. */
export function runsOfStep(
  branches: number,
  stage: 'generate' | 'smooth',
  job: AcceptedJob,
): number {
  const { guidanceEnd = 1, cacheInterval = 1 } = job;
  const asked = 1 + (branches - 1) * guidanceEnd;
  if (stage === 'smooth' && smoothsStepwise(job)) return asked;
  return asked * (SHALLOW_SHARE + (1 - SHALLOW_SHARE) / cacheInterval);
}

function branches(guidanceScale: number): number {
  return guidanceScale === 1 ? 1 : 2;
}

/** How often the UNet of the frames is asked for each of them. */
export function drawingRuns(job: AcceptedJob): number {
  const times = 'sampler' in job ? modelRuns(job.sampler, drawingSteps(job)) : job.steps;
  const branches = drawingBranches(job);
  // Its graph takes all branches at every step, and runs whole.
  return (
    times * (job.task === 'prompt-to-prompt' ? branches : runsOfStep(branches, 'generate', job))
  );
}

/** At a step that is guided. */
export function drawingBranches(job: AcceptedJob): number {
  // The source and its edit, both with and without their prompts.
  if (job.task === 'prompt-to-prompt') return 4;
  const byText = 'guidanceScale' in job ? branches(job.guidanceScale) : 1;
  // Guidance by the picture has a branch without it, and needs the picture's own beside that of the text.
  return 'imageGuidanceScale' in job && job.imageGuidanceScale !== 1 ? 3 : byText;
}

function graphsOf({ models }: PlanNode): readonly Digest[] {
  return ['unet', 'vae-encoder', 'vae-decoder', 'annotator'].flatMap((role) => models[role] ?? []);
}
