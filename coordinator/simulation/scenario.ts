// What a simulation is of: the farm, the jobs, how long things take, what goes wrong. Plain data, and what follows from it by
// arithmetic.

import { digestText } from '../../common/digest.ts';
import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { WindowStep } from '../../common/stages.ts';
import type { Pool, Stage, Task } from '../../common/task.ts';
import { costUnits } from '../domain/cost.ts';
import type { AcceptedJob, PartRef } from '../../recipes/job.ts';
import { overlappingWindows } from '../../recipes/pipeline/windows.ts';
import type { LongClip } from '../../recipes/pipeline/job-base.ts';
import { PLANNER_REVISION } from '../../recipes/job.ts';
import type { Plan } from '../domain/plan.ts';
import { createPlan, stagesOf, tasksOfStage } from '../domain/plan.ts';
import { classesOfWorkers, simulatedNumerics, tenantOf } from './tenancy.ts';
import type { Tenancy } from './tenancy.ts';

/** Pools that workers belong to; `any` is none of its own. */
export const WORKER_POOLS = ['idm', 'mixer', 'vdm'] as const;
export type WorkerPool = (typeof WORKER_POOLS)[number];

/** The workers of one pool, all alike. */
export interface PoolScenario {
  readonly workers: number;
  /** Tasks at once of each. */
  readonly slots: number;
  /** 2: half the seconds. */
  readonly speed: number;
}

export interface Scenario extends Tenancy {
  readonly pools: Readonly<Record<WorkerPool, PoolScenario>>;
  readonly jobs: number;
  /** Of each job. */
  readonly frames: number;
  readonly window: number;
  readonly frameBatch: number;
  /** How windows come together; independent where it is left out. */
  readonly long?: LongClip | undefined;
  /** Of both inversions and of smoothing. @default 50 */
  readonly steps?: number;
  /** What a worker needs for each task besides its work, for messages, reading and writing. @default 0 */
  readonly overheadSeconds?: number;
  /** Seconds over which the jobs are submitted, evenly; 0: all at once. */
  readonly arrivalSeconds: number;
  /** On a worker of speed 1, on average: of idm work a frame, of mixer and vdm work a window. */
  readonly seconds: Readonly<Record<WorkerPool, number>>;
  /** Of each ingest, measure and assemble task. */
  readonly anySeconds: number;
  readonly spread: number;
  readonly stragglers: { readonly share: number; readonly factor: number };
  /** Probability that an attempt at a task fails. */
  readonly failures: number;
  /** Jobs with one task that fails every attempt, the first ones. */
  readonly poison: number;
  /** Of each worker in an hour, on average. */
  readonly deathsPerHour: number;
  /** Until a new worker stands in the place of a dead one. */
  readonly returnSeconds: number;
  /** After its worker died, until a task is given to another. */
  readonly ackWaitMs: number;
  readonly seed: number;
}

/** What a simulation does where nothing else is said. */
export const SCENARIO_DEFAULTS = {
  workers: 1000,
  jobs: 100,
  frames: 1000,
  window: 16,
  steps: 50,
  idm: 1,
  mixer: 10,
  vdm: 30,
  any: 0.05,
  spread: 0.2,
  returnSeconds: 60,
  seed: 1,
} as const;

/** Job number `index`: of its own clip, so that no two share a task. */
export function simulatedJob(
  scenario: Pick<Scenario, 'frames' | 'window' | 'frameBatch'> &
    Partial<Pick<Scenario, 'long' | 'steps'>> &
    Partial<Tenancy>,
  index: number,
): AcceptedJob {
  const part = (name: string): PartRef => ({ name, digest: digestText(`simulated ${name}`) });
  return {
    plannerRevision: PLANNER_REVISION,
    source: { kind: 'video', digest: digestText(`simulated clip ${index}`), start: 0, stride: 1 },
    frames: scenario.frames,
    width: 512,
    height: 512,
    resize: 'stretch',
    control: { annotator: 'canny', low: 100, high: 200, scale: 1 },
    task: 'controlnet',
    prompt: 'simulated',
    negativePrompt: '',
    videoPrompt: 'simulated',
    steps: scenario.steps ?? SCENARIO_DEFAULTS.steps,
    guidanceScale: 7.5,
    videoGuidanceScale: 7.5,
    mixingRatio: 0.5,
    inversion: 'ddim',
    normScope: 'window',
    sampler: 'ddim',
    posterior: 'mode',
    // The clip alone would not tell jobs apart everywhere: inputs are named by the tasks that made them, and these by the clip.
    seed: index,
    frameBatch: scenario.frameBatch,
    window: Math.min(scenario.window, scenario.frames),
    ...(scenario.long !== undefined && { long: scenario.long }),
    models: {
      tokenizer: part('tokenizer'),
      textEncoder: part('text encoder'),
      controlUnet: part('control unet'),
      inversionUnet: part('inversion unet'),
      vaeEncoder: part('vae encoder'),
      vaeDecoder: part('vae decoder'),
      scheduler: part('scheduler'),
      videoTokenizer: part('video tokenizer'),
      videoTextEncoder: part('video text encoder'),
      videoUnet: part('video unet'),
    },
    numerics: simulatedNumerics(tenantOf(scenario, index).className),
    outputs: [{ layout: 'clip', format: 'mp4', framesPerSecond: 8 }],
  };
}

/** Mean seconds of a task that runs so many frames on a worker of speed 1; `step` of one that takes a single step of them. */
export type StageSeconds = (stage: Stage, frames: number, step?: number) => number;

/** A pool's seconds are shared out over its stages as their cost units are. */
export function createStageSeconds(
  scenario: Pick<Scenario, 'frames' | 'window' | 'frameBatch' | 'seconds' | 'anySeconds'> &
    Partial<Pick<Scenario, 'steps'>>,
): StageSeconds {
  const { steps = SCENARIO_DEFAULTS.steps } = scenario;
  // Of windows that are run whole: what a window takes does not depend on how windows come together.
  const plan = createPlan(simulatedJob({ ...scenario, long: undefined }, 0));
  const perFrame = new Map<Stage, number>();
  for (const pool of WORKER_POOLS) {
    const stages = stagesOf(plan).filter((stage) => STAGE_FACTS[stage].pool === pool);
    const units = stages.map((stage) => unitsPerFrame(plan, stage));
    const total = units.reduce((sum, one) => sum + one, 0);
    const secondsPerFrame =
      pool === 'idm' ? scenario.seconds.idm : scenario.seconds[pool] / plan.job.window;
    stages.forEach((stage, index) => {
      perFrame.set(stage, (secondsPerFrame * units[index]!) / total);
    });
  }
  return (stage, frames, step) => {
    const seconds = perFrame.get(stage);
    if (seconds === undefined) return scenario.anySeconds;
    return (seconds * frames) / (step === undefined ? 1 : steps);
  };
}

/** Of a task as workers get it. */
export function meanSeconds(
  { stage, frames, params }: Pick<Task, 'stage' | 'frames' | 'params'>,
  stageSeconds: StageSeconds,
): number {
  const { windows } = params as { readonly windows?: WindowStep };
  const copies = windows && windows.starts.length * windows.length;
  return stageSeconds(stage, copies ?? frames.length, windows?.step);
}

function unitsPerFrame(plan: Plan, stage: Stage): number {
  const first = tasksOfStage(plan, stage)[0]!;
  return costUnits(plan, first) / plan.frameCount(first);
}

/**
 * So many workers, shared out over the pools as the work is: then all pools are busy for as long as each other. At least one in each.
 */
export function balancedPools(
  workers: number,
  scenario: Pick<Scenario, 'frames' | 'window' | 'seconds' | 'long'>,
): Record<WorkerPool, number> {
  const { frames, long } = scenario;
  const length = Math.min(scenario.window, frames);
  const { count: windows } = overlappingWindows(frames, { length, stride: long?.stride ?? length });
  const work: Record<WorkerPool, number> = {
    idm: scenario.frames * scenario.seconds.idm,
    mixer: windows * scenario.seconds.mixer,
    vdm: windows * scenario.seconds.vdm,
  };
  const total = work.idm + work.mixer + work.vdm;
  const exact = (pool: WorkerPool): number => (total === 0 ? 0 : (workers * work[pool]) / total);
  const shared = { idm: 0, mixer: 0, vdm: 0 };
  for (const pool of WORKER_POOLS) shared[pool] = Math.max(1, Math.floor(exact(pool)));
  // What rounding left over, or took too much: to the pool that is furthest from its share.
  for (;;) {
    const missing = workers - (shared.idm + shared.mixer + shared.vdm);
    if (missing === 0) return shared;
    const step = Math.sign(missing);
    const able = WORKER_POOLS.filter((pool) => step > 0 || shared[pool] > 1);
    if (able.length === 0) return shared;
    const gap = (pool: WorkerPool): number => step * (exact(pool) - shared[pool]);
    const neediest = able.reduce((a, b) => (gap(b) > gap(a) ? b : a));
    shared[neediest] += step;
  }
}

/** Slots of all workers of a pool; of `any`, of all pools. With a class: of those that are of it. */
export function slotsOf(
  scenario: Pick<Scenario, 'pools' | 'classes'>,
  pool: Pool,
  className?: string,
): number {
  if (pool === 'any') {
    return WORKER_POOLS.reduce((sum, one) => sum + slotsOf(scenario, one, className), 0);
  }
  const { workers, slots } = scenario.pools[pool];
  if (className === undefined) return workers * slots;
  const classes = classesOfWorkers(workers, scenario.classes);
  return slots * classes.filter((name) => name === className).length;
}

/** Whether some worker of each pool can run the job. */
export function isServed(scenario: Scenario, index: number): boolean {
  const { className } = tenantOf(scenario, index);
  return WORKER_POOLS.every((pool) => slotsOf(scenario, pool, className) > 0);
}

export function servedJobs(scenario: Scenario): number {
  const indices = [...Array(scenario.jobs).keys()];
  return indices.filter((index) => isServed(scenario, index)).length;
}
