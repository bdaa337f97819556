// How much work a task is, before and after any of it was measured. Units are evaluations of the image UNet on one frame, as
// counted from the algorithm; seconds per unit come from measurement. Pure.

import { SAMPLING_STAGES } from '../../common/stage-facts.ts';
import type { Stage } from '../../common/task.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { stepsOfTask } from '../../recipes/pipeline/job-base.ts';
import { sumOverTasks } from '../../recipes/pipeline/layout.ts';
import type { Plan, TaskRef } from './plan.ts';
import { drawingRuns, runsOfStep } from './stage-work.ts';

/** Units per frame and step, or per frame. Ratios as measured on the shipped models by `npm run bench`; only time left depends on them. */
const CONTROL_UNET_UNITS = 1.4;
const VIDEO_UNET_UNITS = 1.6;
const ESTIMATE_UNITS = 1;
const VAE_ENCODE_UNITS = 2;
const VAE_DECODE_UNITS = 3;
const MEASURE_UNITS = 1;
const PICTURE_UNITS = 0.2;
/** What starting a media process costs. */
const PROCESS_UNITS = 10;

/** Expected work of one task, in units, above 0. */
export function costUnits(plan: Plan, ref: TaskRef): number {
  const { stage } = plan.nodes.find(({ name }) => name === ref.node)!;
  return costUnitsOf(stage, plan.framesRun(ref), plan.job);
}

/** Work of a stage that is not done: units, tasks, and how many tasks of the stage the job has in all. */
export interface StageLeft {
  readonly units: number;
  readonly tasks: number;
  readonly total: number;
}

/** All work of a plan, by stage in pipeline order: of a job of which nothing is known to be done. */
export function workOfPlan(plan: Plan): ReadonlyMap<Stage, StageLeft> {
  const work = new Map<Stage, StageLeft>();
  for (const facts of plan.nodes) {
    const { name: node, stage, count } = facts;
    const { units, total } = work.get(stage) ?? { units: 0, total: 0 };
    const own = sumOverTasks(facts, (index) => {
      return costUnitsOf(stage, plan.framesRun({ node, index }), plan.job);
    });
    const tasks = total + count;
    work.set(stage, { units: units + own, tasks, total: tasks });
  }
  return work;
}

/** The same of a task of a stage that makes so many frames. */
export function costUnitsOf(stage: Stage, frames: number, job: AcceptedJob): number {
  switch (stage) {
    case 'ingest':
    case 'assemble':
      return PROCESS_UNITS + frames * PICTURE_UNITS;
    case 'annotate':
    case 'mix':
    case 'merge':
    case 'compose':
      return frames * PICTURE_UNITS;
    case 'estimate':
      return frames * ESTIMATE_UNITS;
    case 'generate':
      return frames * (drawingRuns(job) * drawingUnits(job) + VAE_DECODE_UNITS);
    case 'encode':
      return frames * VAE_ENCODE_UNITS;
    case 'invert-image':
      return frames * stepsOfTask(job, stage);
    case 'invert-video':
      return frames * stepsOfTask(job, stage) * VIDEO_UNET_UNITS;
    case 'smooth':
      return (
        frames *
        stepsOfTask(job, stage) *
        runsOfStep(halves(job.videoGuidanceScale), 'smooth', job) *
        VIDEO_UNET_UNITS
      );
    case 'decode':
      return frames * VAE_DECODE_UNITS;
    case 'measure':
      return frames * MEASURE_UNITS;
  }
}

/** Of one evaluation of the UNet that draws frames. What it has beside the image UNet was measured for ControlNets. */
function drawingUnits(job: AcceptedJob): number {
  return job.task === 'prompt-to-prompt' ? 1 : CONTROL_UNET_UNITS;
}

/** Evaluations of a step: with and without the prompt, where there is guidance. */
function halves(guidanceScale: number): number {
  return guidanceScale > 1 ? 2 : 1;
}

/** Seconds and units that some tasks of a stage took. */
export interface MeasuredCost {
  readonly seconds: number;
  readonly units: number;
}

/**
 * Seconds per unit of a stage: measured, or else the mean over the measured sampling stages, whose cost per unit is alike. Undefined
 * while neither was.
 */
export function secondsPerUnit(
  stage: Stage,
  measured: ReadonlyMap<Stage, MeasuredCost>,
): number | undefined {
  const own = measured.get(stage);
  if (own !== undefined && own.units > 0) return own.seconds / own.units;
  let seconds = 0;
  let units = 0;
  for (const sampling of SAMPLING_STAGES) {
    const cost = measured.get(sampling);
    seconds += cost?.seconds ?? 0;
    units += cost?.units ?? 0;
  }
  return units > 0 ? seconds / units : undefined;
}
