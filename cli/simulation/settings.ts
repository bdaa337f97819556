// The settings of `bivdiff simulate`: one table, from which come the flags, the keys of a scenario file and the checks.

import { COMMON_FIELDS } from '../../recipes/spec/fields.ts';
import { SCENARIO_DEFAULTS } from '../../coordinator/simulation/scenario.ts';

export interface NumberSetting {
  /** Of the flag, and the key in a file. */
  readonly name: string;
  readonly value: string;
  readonly doc: string;
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
  readonly fallback: number;
}

const FRAME_BATCH_DEFAULT = COMMON_FIELDS.frameBatch.parse(undefined);

const SECONDS_MAX = 86_400;
/** A frame's or a window's work takes some time: a pool without work would get no workers. */
const SECONDS_MIN = 0.001;

const whole = (min: number, max: number, fallback: number) => ({
  min,
  max,
  fallback,
  isWhole: true,
});
const real = (min: number, max: number, fallback: number) => ({
  min,
  max,
  fallback,
  isWhole: false,
});
const { jobs, frames, window, idm, mixer, vdm, any } = SCENARIO_DEFAULTS;
const { workers, spread, returnSeconds, seed } = SCENARIO_DEFAULTS;

/** In the order of the help. */
export const NUMBER_SETTINGS = [
  {
    name: 'workers',
    value: 'N',
    ...whole(3, 1_000_000, workers),
    doc: 'Workers, shared out over the pools as the work is',
  },
  { name: 'slots', value: 'N', doc: 'Tasks at once of each worker', ...whole(1, 256, 1) },
  { name: 'jobs', value: 'N', doc: 'Jobs', ...whole(1, 1_000_000, jobs) },
  { name: 'frames', value: 'N', doc: 'Frames of each job', ...whole(1, 1_000_000, frames) },
  { name: 'window', value: 'N', doc: 'Frames of a window', ...whole(1, 1024, window) },
  {
    name: 'window-stride',
    value: 'N',
    ...whole(0, 1024, 0),
    doc: 'Frames from one window to the next, where windows overlap; 0: half a window',
  },
  {
    name: 'window-block',
    value: 'N',
    ...whole(0, 64, 0),
    doc: 'Windows that one task takes a step of, with long co-denoise; 0: as render chooses',
  },
  {
    name: 'steps',
    value: 'N',
    ...whole(1, 1000, SCENARIO_DEFAULTS.steps),
    doc: 'Steps of both inversions and of smoothing; windows that agree take them one by one',
  },
  {
    name: 'overhead',
    value: 'SECONDS',
    ...real(0, 3600, 0),
    doc: 'What a worker needs for each task besides its work',
  },
  {
    name: 'frame-batch',
    value: 'N',
    ...whole(1, 64, FRAME_BATCH_DEFAULT),
    doc: 'Frames of a frame-wise task',
  },
  {
    name: 'idm',
    value: 'SECONDS',
    ...real(SECONDS_MIN, SECONDS_MAX, idm),
    doc: 'Work of idm a frame: annotate, generate, encode, decode',
  },
  {
    name: 'mixer',
    value: 'SECONDS',
    ...real(SECONDS_MIN, SECONDS_MAX, mixer),
    doc: 'Work of mixer a window: invert-image, mix',
  },
  {
    name: 'vdm',
    value: 'SECONDS',
    ...real(SECONDS_MIN, SECONDS_MAX, vdm),
    doc: 'Work of vdm a window: invert-video, smooth',
  },
  {
    name: 'any',
    value: 'SECONDS',
    ...real(0, SECONDS_MAX, any),
    doc: 'Each ingest, measure and assemble task',
  },
  {
    name: 'spread',
    value: 'SIGMA',
    ...real(0, 3, spread),
    doc: 'Spread of durations: sigma of a log-normal distribution with these means',
  },
  {
    name: 'failures',
    value: 'P',
    ...real(0, 1, 0),
    doc: 'Probability that an attempt of a task fails',
  },
  {
    name: 'poison',
    value: 'N',
    ...whole(0, 1_000_000, 0),
    doc: 'Jobs that have a task which fails every attempt',
  },
  {
    name: 'deaths',
    value: 'PER_HOUR',
    ...real(0, 3600, 0),
    doc: 'How often each worker is lost in an hour, on average',
  },
  {
    name: 'return',
    value: 'SECONDS',
    ...real(0, SECONDS_MAX, returnSeconds),
    doc: 'Until another worker stands in the place of a lost one',
  },
  {
    name: 'arrival',
    value: 'SECONDS',
    ...real(0, 30 * SECONDS_MAX, 0),
    doc: 'Time over which the jobs are submitted; 0: all at once',
  },
  {
    name: 'seed',
    value: 'N',
    ...whole(0, Number.MAX_SAFE_INTEGER, seed),
    doc: 'Of all that is drawn: the same seed, the same result',
  },
] as const satisfies readonly NumberSetting[];

export type NumberName = (typeof NUMBER_SETTINGS)[number]['name'];

export function describeSetting({ doc, min, max, fallback }: NumberSetting): string {
  return `${doc} (${min} to ${max}; default: ${fallback})`;
}
