// A day of jobs with bursts, scaled by the scaler, by KEDA on queue length and by a plain HPA, in one simulation: GPU-seconds beside the least
// that anybody could do with who knew the day in advance, jobs in time, attempts lost. Simulated time only: the same on every machine.

import { simulateDay } from '../coordinator/simulation/day/day.ts';
import type { DayOptions, DayResult } from '../coordinator/simulation/day/day.ts';
import { leastOfDay } from '../coordinator/simulation/day/knowing-plan.ts';
import {
  ownScaler,
  plainHpa,
  queueLength,
} from '../coordinator/simulation/day/scaling-policies.ts';
import type { ScalingPolicy } from '../coordinator/simulation/day/scaling-policies.ts';
import { jobsOfDay } from '../coordinator/simulation/day/traffic.ts';
import type { ScaledPool } from '../coordinator/scaling/predicted-work.ts';
import type { PoolSettings } from '../coordinator/scaling/settings.ts';

const SEEDS = [1, 2, 3];
const TARGET_SECONDS = 900;
/** A node, an image, models. */
const START_SECONDS = 180;
const COOLDOWN_SECONDS = 15;
const MAX = { idm: 24, mixer: 10, vdm: 40 };
/** An evaluation of the image UNet on a frame takes 20 ms: then these are what 50 steps take (coordinator/domain/cost.ts). */
const SECONDS = { idm: 3, mixer: 16, vdm: 77 };

export interface ScaledDay extends Omit<DayResult, 'took'> {
  readonly seed: number;
  readonly policy: string;
  readonly jobs: number;
  readonly leastGpuSeconds: number;
  /** GPU-seconds over the least. */
  readonly ratio: number;
  readonly tookSecondsP95: number;
}

/** Gives each figure as soon as it is there. */
export async function* compareScalers(): AsyncGenerator<ScaledDay> {
  for (const seed of SEEDS) {
    const day = dayOf(seed);
    const least = leastOfDay(day);
    for (const policy of policies())
      yield figuresOf(await simulateDay(day, policy), { seed, policy, least });
  }
}

function policies(): readonly ScalingPolicy[] {
  const own = ownScaler({
    targetSeconds: TARGET_SECONDS,
    pools: { idm: settingsOf('idm'), mixer: settingsOf('mixer'), vdm: settingsOf('vdm') },
  });
  return [own, queueLength(2), queueLength(5), plainHpa(5)];
}

function settingsOf(pool: ScaledPool): PoolSettings {
  return {
    ...{ deployment: pool, min: 0, max: MAX[pool], slotsPerWorker: 1 },
    ...{ cooldownSeconds: COOLDOWN_SECONDS, startSeconds: START_SECONDS },
  };
}

function dayOf(seed: number): DayOptions {
  const frames = { median: 96, sigma: 0.6, max: 480 };
  return {
    jobs: jobsOfDay({ seed, singles: 400, bursts: 8, burstJobs: [10, 40], frames }),
    ...{ seconds: SECONDS, spread: 0.2, max: MAX, seed, targetSeconds: TARGET_SECONDS },
    ...{ startSeconds: { mean: START_SECONDS, sigma: 0.25 }, drainSeconds: 20 },
  };
}

function figuresOf(
  { took, ...result }: DayResult,
  { seed, policy, least }: { seed: number; policy: ScalingPolicy; least: number },
): ScaledDay {
  const sorted = took.toSorted((a, b) => a - b);
  return {
    ...{ seed, policy: policy.name, jobs: took.length, ...result },
    leastGpuSeconds: least,
    ratio: result.gpuSeconds / least,
    tookSecondsP95: sorted[Math.floor(0.95 * sorted.length)]!,
  };
}

export function scaledDayText(day: ScaledDay): string {
  const round = (seconds: number): number => Math.round(seconds);
  return (
    `seed ${day.seed}, ${day.jobs} jobs, ${day.policy}: ${day.ratio.toFixed(2)} of the least (${round(day.gpuSeconds)} of ${round(day.leastGpuSeconds)} GPU-s; ` +
    `busy ${round(day.busySeconds)}, ${day.starts} starts ${round(day.startSeconds)}); in time ${(100 * day.inTime).toFixed(1)} %, p95 ${round(day.tookSecondsP95)} s; ` +
    `${day.lost} attempts lost`
  );
}
