// Seconds that a stage's work will take, from what it took in earlier renders of the same models: of those whose size was nearest. Pure.

import type { Stage } from '../../common/task.ts';
import type { StageWork } from './stage-work.ts';

/** What a stage took in one earlier render. */
export interface PastStage {
  readonly stage: Stage;
  readonly graphs: string;
  /** Of the tasks that ran, as `StageWork` counts it. */
  readonly work: number;
  /** Wall seconds of these tasks, summed, and of them those inside ONNX Runtime or a codec. */
  readonly seconds: number;
  readonly busySeconds: number;
  /** Pixels of a frame. */
  readonly pixels: number;
  /** Tasks at once, each of which had so many threads and loaded its graphs itself. */
  readonly slots: number;
  readonly threads: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface StageRate {
  readonly secondsPerWork: number;
  /** What a slot's first task of the stage takes beside: loading its graphs. */
  readonly firstSeconds: number;
}

/** Renders of the nearest size that are summed, the newest. */
const RENDERS_MAX = 5;
/** Share of the time in graphs that a task spends outside of them, once these are loaded (`npm run bench`, overhead). */
const OUTSIDE_SHARE = 0.03;

/**
 * The rate of each stage of a job of frames of `pixels`, in slots of `threads`. A stage whose graphs have run in no render costs what the
 * other graphs do an operation; one that runs no graph and was never measured, nothing. Undefined if no graph of these was measured.
 * Work in graphs is shared by a slot's threads; other work has one.
 */
export function stageRates(
  works: Iterable<StageWork>,
  past: readonly PastStage[],
  { pixels, threads }: { readonly pixels: number; readonly threads: number },
): ReadonlyMap<Stage, StageRate> | undefined {
  const rates = new Map<Stage, StageRate>();
  const unmeasured: StageWork[] = [];
  const measured: PastStage[] = [];
  for (const work of works) {
    const like = past.filter(({ stage, graphs }) => stage === work.stage && graphs === work.graphs);
    const nearest = nearestOf(like, pixels);
    if (nearest.length === 0) unmeasured.push(work);
    else rates.set(work.stage, rateOf(nearest, threads));
    if (work.graphs !== '') measured.push(...nearest);
  }
  const hasGraphs = unmeasured.some(({ graphs }) => graphs !== '');
  if (hasGraphs && measured.length === 0) return undefined;
  const meanRate = measured.length === 0 ? NO_TIME : rateOf(measured, threads);
  for (const { stage, graphs } of unmeasured) rates.set(stage, graphs === '' ? NO_TIME : meanRate);
  return rates;
}

const NO_TIME: StageRate = { secondsPerWork: 0, firstSeconds: 0 };

function nearestOf(past: readonly PastStage[], pixels: number): readonly PastStage[] {
  const distance = (stage: PastStage): number => Math.abs(Math.log(stage.pixels / pixels));
  const least = Math.min(...past.map(distance));
  return past
    .filter((stage) => distance(stage) === least)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    .slice(0, RENDERS_MAX);
}

function rateOf(past: readonly PastStage[], threadsNow: number): StageRate {
  let work = 0;
  let seconds = 0;
  let first = 0;
  for (const stage of past) {
    work += stage.work;
    if (stage.graphs === '') {
      seconds += stage.seconds;
      continue;
    }
    const usual = stage.busySeconds * (1 + OUTSIDE_SHARE);
    seconds += (usual * stage.threads) / threadsNow;
    first += Math.max(0, stage.seconds - usual) / stage.slots;
  }
  return { secondsPerWork: seconds / work, firstSeconds: first / past.length };
}
