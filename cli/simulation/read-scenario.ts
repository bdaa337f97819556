// From flags and a scenario file to a scenario: flags go before the file, the file before the defaults; all problems in one error.

import { resolve } from 'node:path';

import { parse as parseYaml } from 'yaml';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { longClipOf } from '../../coordinator/domain/long-clip.ts';
import { LONG_MODES } from '../../recipes/spec/fields.ts';
import { balancedPools, WORKER_POOLS } from '../../coordinator/simulation/scenario.ts';
import type { PoolScenario, Scenario, WorkerPool } from '../../coordinator/simulation/scenario.ts';
import { ACK_WAIT_MS } from '../flags/farm-settings.ts';
import { nearestWord } from '../flags/nearest.ts';
import type { LongClip } from '../../recipes/pipeline/job-base.ts';
import { tenancyOf } from './read-tenancy.ts';
import { NUMBER_SETTINGS } from './settings.ts';
import type { NumberName, NumberSetting } from './settings.ts';

type Settings = Readonly<Record<string, unknown>>;
type Numbers = Readonly<Record<NumberName, number>>;

const POOL_KEYS = ['workers', 'slots', 'speed'] as const;
const KEYS: readonly string[] = [
  ...NUMBER_SETTINGS.map(({ name }) => name),
  ...['long', 'pools', 'balance', 'stragglers', 'owners', 'priorities', 'classes'],
];
/** What the domain calls a key. */
const FIELDS: Readonly<Record<string, string>> = {
  windowStride: 'window-stride',
  windowBlock: 'window-block',
};
const WORKERS_MAX = 1_000_000;
const SPEED_MAX = 1000;
const FACTOR_MAX = 1000;

export interface ScenarioOptions {
  /** What a relative file is relative to. */
  readonly folder: string;
  /** Flags that are not called as their key. */
  readonly flagNames?: Readonly<Record<string, string>>;
  /** For keys that neither flags nor file have, in place of the usual defaults. */
  readonly defaults?: Settings;
}

/**
 * `flags` has the keys of a file: numbers as typed, `pools` by name.
 * @throws invalid-argument — lists every problem
 */
export async function readScenario(
  file: string | undefined,
  flags: Settings,
  { folder, flagNames = {}, defaults = {} }: ScenarioOptions,
): Promise<Scenario> {
  const fromFile = file === undefined ? {} : await readSettings(resolve(folder, file));
  const problems = Object.keys(fromFile)
    .filter((key) => !KEYS.includes(key))
    .map((key) => unknownKey(key));
  const settings: Settings = { ...defaults, ...fromFile, ...withoutPoolsOfFile(fromFile, flags) };
  const numbers = numbersOf(settings, problems);
  const stragglers = stragglersOf(settings['stragglers'], problems);
  const tenancy = tenancyOf(settings, problems);
  const long = longOf(settings['long'], numbers, problems);
  const pools = poolsOf(settings, { numbers, long }, problems);
  if (problems.length > 0 || pools === undefined) {
    const isTyped = (key: string): boolean => file === undefined || flags[key] !== undefined;
    const told = problems.map((problem) =>
      withNames(problem, (key) => (isTyped(key) ? (flagNames[key] ?? `--${key}`) : key)),
    );
    throw new BivdiffError('invalid-argument', told.join('; '), {
      hint: 'bivdiff simulate --help lists the settings and their ranges.',
      details: { problems: told },
    });
  }
  return {
    pools,
    stragglers,
    ...tenancy,
    ...{ jobs: numbers.jobs, frames: numbers.frames, window: numbers.window },
    frameBatch: numbers['frame-batch'],
    ...{ long, steps: numbers.steps, overheadSeconds: numbers.overhead },
    arrivalSeconds: numbers.arrival,
    seconds: { idm: numbers.idm, mixer: numbers.mixer, vdm: numbers.vdm },
    anySeconds: numbers.any,
    ...{ spread: numbers.spread, failures: numbers.failures, poison: numbers.poison },
    deathsPerHour: numbers.deaths,
    returnSeconds: numbers.return,
    ackWaitMs: ACK_WAIT_MS,
    seed: numbers.seed,
  };
}

/** A problem, `key: what`, with its key and those it speaks of as their user knows them. Pools have a flag of another form. */
function withNames(problem: string, nameOf: (key: string) => string): string {
  return problem.replaceAll(/^[a-z-]+(?=:)|\bwindow(?:Stride|Block)\b/g, (word) => {
    const key = FIELDS[word] ?? word;
    return KEYS.includes(key) && key !== 'pools' ? nameOf(key) : key;
  });
}

async function readSettings(path: string): Promise<Settings> {
  const text = await readTextFile(path, `reading the scenario ${path}`);
  let settings: unknown;
  try {
    settings = parseYaml(text);
  } catch (cause) {
    throw new BivdiffError('invalid-argument', `${path} is neither YAML nor JSON`, { cause });
  }
  if (isSettings(settings)) return settings;
  throw new BivdiffError(
    'invalid-argument',
    `${path} holds no scenario: expected keys and values`,
    {
      hint: 'bivdiff simulate --help shows an example.',
    },
  );
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Who types --workers means these, not the pools of the file. */
function withoutPoolsOfFile(file: Settings, flags: Settings): Settings {
  const given = Object.fromEntries(
    Object.entries(flags).filter(([, value]) => value !== undefined),
  );
  if ('workers' in given && 'pools' in file) return { ...given, pools: undefined };
  if ('pools' in given && 'workers' in file) return { ...given, workers: undefined };
  return given;
}

function unknownKey(key: string): string {
  const meant = nearestWord(key, KEYS);
  return `${key}: no such setting${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function numbersOf(settings: Settings, problems: string[]): Numbers {
  const numbers: Partial<Record<NumberName, number>> = {};
  for (const setting of NUMBER_SETTINGS) {
    const given = settings[setting.name];
    numbers[setting.name] =
      given === undefined ? setting.fallback : numberOf(given, setting, problems);
  }
  return numbers as Numbers;
}

function numberOf(
  given: unknown,
  { name, min, max, isWhole }: Pick<NumberSetting, 'name' | 'min' | 'max' | 'isWhole'>,
  problems: string[],
): number {
  const isText = typeof given === 'string' && given.trim() !== '';
  const value = isText || typeof given === 'number' ? Number(given) : Number.NaN;
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
  const kind = isWhole ? 'a whole number' : 'a number';
  problems.push(`${name}: expected ${kind}, ${min} to ${max}, got ${JSON.stringify(given)}`);
  return min;
}

/** Independent windows unless told otherwise: what was simulated before stays as it was. */
function longOf(given: unknown, numbers: Numbers, problems: string[]): LongClip | undefined {
  const mode = LONG_MODES.find((one) => one === (given ?? 'independent'));
  if (mode === undefined) {
    problems.push(`long: expected ${LONG_MODES.join(', ')}, got ${JSON.stringify(given)}`);
    return undefined;
  }
  const { frames, steps } = numbers;
  const { 'window-stride': stride, 'window-block': block } = numbers;
  return longClipOf(
    {
      ...{ frames, long: mode },
      ...(stride > 0 && { windowStride: stride }),
      ...(block > 0 && { windowBlock: block }),
    },
    { window: Math.min(numbers.window, frames), steps, problems },
  );
}

/** `0.01x5`: one in a hundred takes five times as long. */
function stragglersOf(given: unknown, problems: string[]): Scenario['stragglers'] {
  if (given === undefined) return { share: 0, factor: 1 };
  const [, shareText, factorText] =
    /^([\d.]+)x([\d.]+)$/.exec(typeof given === 'string' ? given : '') ?? [];
  const share = Number(shareText);
  const factor = Number(factorText);
  if (share >= 0 && share <= 1 && factor >= 1 && factor <= FACTOR_MAX) return { share, factor };
  problems.push(
    `stragglers: expected SHARExFACTOR, say 0.01x5 (share 0 to 1, factor 1 to ${FACTOR_MAX}), got ${JSON.stringify(given)}`,
  );
  return { share: 0, factor: 1 };
}

function poolsOf(
  settings: Settings,
  { numbers, long }: { readonly numbers: Numbers; readonly long: LongClip | undefined },
  problems: string[],
): Scenario['pools'] | undefined {
  const given = settings['pools'];
  const balance = settings['balance'] ?? false;
  if (typeof balance !== 'boolean') problems.push('balance: expected true or false');
  const scenario = {
    ...{ frames: numbers.frames, window: numbers.window, long },
    seconds: { idm: numbers.idm, mixer: numbers.mixer, vdm: numbers.vdm },
  };
  const alike = (workers: Record<WorkerPool, number>): Scenario['pools'] => {
    const pool = (name: WorkerPool): PoolScenario => {
      return { workers: workers[name], slots: numbers.slots, speed: 1 };
    };
    return { idm: pool('idm'), mixer: pool('mixer'), vdm: pool('vdm') };
  };
  if (given === undefined) return alike(balancedPools(numbers.workers, scenario));
  if (settings['workers'] !== undefined) {
    problems.push('workers and pools cannot go together: name the workers of each pool, or all');
  }
  if (!isSettings(given)) {
    problems.push('pools: expected idm, mixer and vdm with the workers of each');
    return undefined;
  }
  const pools = checkPools(given, numbers.slots, problems);
  if (pools === undefined || balance !== true) return pools;
  const total = WORKER_POOLS.reduce((sum, pool) => sum + pools[pool].workers, 0);
  return alike(balancedPools(total, scenario));
}

function checkPools(
  given: Settings,
  slots: number,
  problems: string[],
): Scenario['pools'] | undefined {
  for (const name of Object.keys(given)) {
    if (!WORKER_POOLS.some((pool) => pool === name)) {
      problems.push(`pools: expected idm, mixer or vdm, got "${name}"`);
    }
  }
  const missing = WORKER_POOLS.filter((pool) => given[pool] === undefined);
  if (missing.length > 0) {
    problems.push(`pools: ${missing.join(', ')} missing: every job needs all three`);
    return undefined;
  }
  const pool = (name: WorkerPool): PoolScenario => checkPool(name, given[name], slots, problems);
  return { idm: pool('idm'), mixer: pool('mixer'), vdm: pool('vdm') };
}

/** Just the workers, or `{ workers, slots, speed }`. */
function checkPool(
  name: WorkerPool,
  given: unknown,
  slots: number,
  problems: string[],
): PoolScenario {
  const fields: Settings = isSettings(given) ? given : { workers: given };
  for (const key of Object.keys(fields)) {
    if (!POOL_KEYS.some((known) => known === key)) {
      problems.push(`pools.${name}: expected workers, slots or speed, got "${key}"`);
    }
  }
  const field = (key: (typeof POOL_KEYS)[number], min: number, max: number): number => {
    const setting = { name: `pools.${name}.${key}`, min, max, isWhole: key !== 'speed' };
    return numberOf(fields[key], setting, problems);
  };
  return {
    workers: field('workers', 1, WORKERS_MAX),
    slots: fields['slots'] === undefined ? slots : field('slots', 1, 256),
    speed: fields['speed'] === undefined ? 1 : field('speed', 1 / SPEED_MAX, SPEED_MAX),
  };
}
