// The least GPU-seconds with which a day's jobs could all be complete in time, by whoever knew all of them, all durations and all start
// times in advance. Pool by pool, by dynamic programming over time, workers and work done so far: workers share work like a fluid, and a
// pool waits for another only as long as one task of each stage takes. No plan can do with less; whether one can do with this is not said.
//
// State after t steps: (n workers there, c units of work done); a unit is what a worker does in a step.
//   c must be between the work that was due by then and the work that had come
//   cost of a step: n steps of a worker, and what its start takes of each worker more than before; workers leave free of charge

import type { Stage } from '../../../common/task.ts';
import { SCALED_POOLS } from '../../scaling/predicted-work.ts';
import type { ScaledPool } from '../../scaling/predicted-work.ts';
import { createStageSeconds } from '../scenario.ts';
import { FRAME_BATCH, scenarioOf, WINDOW } from './day.ts';
import type { DayOptions } from './day.ts';

const STEP_SECONDS = 20;
/** The first task of a stage may take so much less than others. */
const SHORT = 0.5;

/** Work of one pool for one job: it comes at a time, and is due at another. */
export interface PoolDemand {
  readonly seconds: number;
  readonly fromSeconds: number;
  readonly dueSeconds: number;
}

export interface KnowingPlanOptions {
  readonly demands: readonly PoolDemand[];
  readonly workersMax: number;
  /** GPU-seconds of a start. */
  readonly startSeconds: number;
  readonly stepSeconds: number;
}

/** GPU-seconds of one pool. Infinity: all its workers cannot do it. */
export function leastGpuSeconds(options: KnowingPlanOptions): number {
  const { demands, workersMax, startSeconds, stepSeconds } = options;
  if (demands.length === 0) return 0;
  const last = Math.max(...demands.map(({ dueSeconds }) => dueSeconds));
  const steps = Math.ceil(last / stepSeconds) + 1;
  // In favour of who plans: work comes at the beginning of its step and is due at the end of its own; parts of units round to less.
  const come = new Float64Array(steps);
  const due = new Float64Array(steps);
  for (const { seconds, fromSeconds, dueSeconds } of demands) {
    const units = seconds / stepSeconds;
    add(come, Math.floor(fromSeconds / stepSeconds), units);
    add(due, Math.ceil(dueSeconds / stepSeconds), units);
  }
  let totalCome = 0;
  let totalDue = 0;
  const start = startSeconds / stepSeconds;
  const width = widthOf(come, due) + workersMax + 2;
  // costs[n * width + (c - base)]: the least of all ways that lead there.
  let costs = new Float64Array((workersMax + 1) * width).fill(Infinity);
  costs[0] = 0;
  let base = 0;
  for (let step = 0; step < steps; step += 1) {
    totalCome += come[step]!;
    totalDue += due[step]!;
    const next = new Float64Array(costs.length).fill(Infinity);
    const nextBase = Math.floor(totalDue + 1e-9);
    const top = Math.ceil(totalCome - 1e-9);
    chooseWorkers(costs, { workersMax, width, start });
    for (let workers = 0; workers <= workersMax; workers += 1) {
      const row = workers * width;
      for (let place = 0; place < width; place += 1) {
        const cost = costs[row + place]!;
        if (cost === Infinity) continue;
        const done = Math.min(top, base + place + workers);
        if (done < nextBase) continue;
        const index = row + done - nextBase;
        const after = cost + workers;
        if (after < next[index]!) next[index] = after;
      }
    }
    costs = next;
    base = nextBase;
  }
  let least = Infinity;
  for (const cost of costs) least = Math.min(least, cost);
  return least * stepSeconds;
}

interface Workers {
  readonly workersMax: number;
  readonly width: number;
  /** Steps of a worker that a start takes. */
  readonly start: number;
}

/** Before a step workers may start, at a price, or leave: in place. */
function chooseWorkers(costs: Float64Array, { workersMax, width, start }: Workers): void {
  for (let place = 0; place < width; place += 1) {
    for (let workers = 1; workers <= workersMax; workers += 1) {
      const fewer = costs[(workers - 1) * width + place]! + start;
      const index = workers * width + place;
      if (fewer < costs[index]!) costs[index] = fewer;
    }
    for (let workers = workersMax - 1; workers >= 0; workers -= 1) {
      const more = costs[(workers + 1) * width + place]!;
      const index = workers * width + place;
      if (more < costs[index]!) costs[index] = more;
    }
  }
}

function add(steps: Float64Array, step: number, units: number): void {
  const index = Math.min(steps.length - 1, Math.max(0, step));
  steps[index] = steps[index]! + units;
}

/** The most work that has come and is not due, at any time. */
function widthOf(come: Float64Array, due: Float64Array): number {
  let open = 0;
  let most = 0;
  for (let step = 0; step < come.length; step += 1) {
    open += come[step]!;
    most = Math.max(most, open);
    open -= due[step]!;
  }
  return Math.ceil(most) + 2;
}

/**
 * The least of all pools for a day's jobs. Work is counted as it is on average, that of `any` worker not at all.
 * @throws RangeError - the workers that there may be cannot do it in time
 */
export function leastOfDay(options: DayOptions): number {
  const stageSeconds = createStageSeconds(scenarioOf(options));
  const { jobs, max, targetSeconds, startSeconds } = options;
  const demands: Record<ScaledPool, PoolDemand[]> = { idm: [], mixer: [], vdm: [] };
  for (const { atSeconds, frames } of jobs) {
    const windows = Math.ceil(frames / WINDOW);
    const add = (pool: ScaledPool, part: Omit<PoolDemand, 'dueSeconds'>, tail: number): void => {
      const dueSeconds = atSeconds + targetSeconds - SHORT * tail;
      demands[pool].push({ ...part, dueSeconds });
    };
    const from = (chain: number): number => atSeconds + SHORT * chain;
    const drawn = stageSeconds('generate', FRAME_BATCH);
    const encoded = stageSeconds('encode', FRAME_BATCH);
    const inverted = stageSeconds('invert-video', WINDOW);
    const [mixed, smoothed] = [stageSeconds('mix', WINDOW), stageSeconds('smooth', WINDOW)];
    const decoded = stageSeconds('decode', FRAME_BATCH);
    const toMix = drawn + encoded + Math.min(inverted, stageSeconds('invert-image', WINDOW));
    const ofFrames = (stage: Stage): number =>
      (stageSeconds(stage, FRAME_BATCH) / FRAME_BATCH) * frames;
    const ofWindows = (...stages: Stage[]): number =>
      windows * stages.reduce((sum, stage) => sum + stageSeconds(stage, WINDOW), 0);
    const [work, tail] = [
      ofFrames('annotate') + ofFrames('generate') + ofFrames('encode'),
      mixed + smoothed + decoded,
    ];
    add('idm', { seconds: work, fromSeconds: atSeconds }, tail);
    add('idm', { seconds: ofFrames('decode'), fromSeconds: from(toMix + mixed + smoothed) }, 0);
    add(
      'mixer',
      { seconds: ofWindows('invert-image', 'mix'), fromSeconds: from(drawn + encoded) },
      smoothed + decoded,
    );
    add(
      'vdm',
      { seconds: ofWindows('invert-video', 'smooth'), fromSeconds: from(drawn + encoded) },
      decoded,
    );
  }
  let least = 0;
  for (const pool of SCALED_POOLS) {
    const facts = {
      workersMax: max[pool],
      startSeconds: startSeconds.mean,
      stepSeconds: STEP_SECONDS,
    };
    least += leastGpuSeconds({ demands: demands[pool], ...facts });
  }
  if (least === Infinity)
    throw new RangeError('the day has more work than its workers can do in time');
  return least;
}
