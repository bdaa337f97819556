// The flags that the programs of a farm share: their checks, and what they stand for.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { Pool } from '../../common/task.ts';
import { checkNatsUrl } from './connection.ts';
import { checkListenAddress, hostPortOf, NATS_DEFAULT } from './farm-settings.ts';
import { isRemoteStore, storeFolderOf } from './store-flag.ts';
import { CHECKPOINT_SECONDS } from '../../workers/stages/stage-environment.ts';
import type { CliEnvironment } from '../terminal.ts';

/** What guards a coordinator. */
export interface SecurityFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly tokens?: string;
  readonly insecure?: boolean;
}

export interface ProgramFlags extends SecurityFlags {
  readonly store?: string;
  readonly models?: string | false;
  readonly cache?: string;
  readonly serve?: string | false;
  readonly serveTls?: boolean;
  readonly cacheGib?: string;
  readonly heldGib?: string;
  readonly nats?: string;
  readonly listen?: string;
  readonly limit?: string[];
  readonly settings?: string;
  readonly name?: string;
  readonly pool?: string[];
  readonly device?: string;
  readonly memoryGib?: string;
  readonly numerics?: string;
  readonly slots?: string;
  readonly threads?: string;
  readonly checkpointSeconds?: string;
  readonly workers?: string;
  readonly natsPort?: string;
  readonly keepJobs?: string;
  readonly http?: string;
  readonly kubernetes?: string;
  readonly drainSeconds?: string;
  readonly preload?: string[];
}

const POOLS: readonly Pool[] = ['idm', 'mixer', 'vdm'];
export const COUNT_MAX = 256;
/** What runs may take after a drain, unless something else is said; and a day, which is more than any step takes. */
export const DRAIN_SECONDS = 20;
const DRAIN_SECONDS_MAX = 86_400;
const MS_PER_DAY = 86_400_000;
/** The farm of `up`, and what a worker serves to its peers without --serve-tls. */
export const UNGUARDED = { hasTls: false, hasTokens: false };
export const SERVE_DEFAULT = '127.0.0.1:0';
export const DEVICE_DEFAULT = 'cpu';
export const DEVICE_TEXT =
  'Where models run: cpu, cuda, cuda:1, webgpu; cuda:0,cuda:2 or cuda:all: a worker process for each (default: cpu)';
const UP_WORKERS = 2;

export function places(flags: ProgramFlags, environment: CliEnvironment) {
  const { models } = flags;
  return {
    storeFolder: storeFolderOf({ store: flags.store }, environment),
    modelsFolder:
      typeof models === 'string' ? resolve(environment.folder, models) : environment.modelsFolder,
    nats: checkNatsUrl(flags.nats ?? environment.nats ?? NATS_DEFAULT),
  };
}

/** A worker's store may be its coordinator's, and it may have no models of its own. */
export function workerPlaces(flags: ProgramFlags, environment: CliEnvironment) {
  const store = flags.store ?? environment.storeFolder;
  const isRemote = store !== undefined && isRemoteStore(store);
  const found = places(isRemote ? { ...flags, store: '.' } : flags, environment);
  const hasShipped = flags.models === undefined && existsSync(found.modelsFolder);
  const hasOwn = typeof flags.models === 'string' || hasShipped;
  return {
    ...found,
    storeFolder: isRemote ? store : found.storeFolder,
    modelsFolder: hasOwn ? found.modelsFolder : undefined,
  };
}

/** Port 0 is any free one: the others hear of it on the bus. */
export function serveAddress(flags: ProgramFlags): string | undefined {
  const { serve, serveTls = false, insecure = false } = flags;
  if (serve === false) return undefined;
  const address = serve ?? SERVE_DEFAULT;
  // Certificates say who is one of the farm: no token could say more.
  const guard = { hasTls: serveTls, hasTokens: serveTls };
  checkListenAddress(address, { flag: '--serve', ...guard, isInsecureAllowed: insecure });
  return address;
}

export function checkPools(
  given: readonly string[] | undefined,
  problems: string[],
): readonly Pool[] {
  const unknown = (given ?? []).filter((name) => !POOLS.some((pool) => pool === name));
  for (const name of unknown) problems.push(`--pool: expected idm, mixer or vdm, got "${name}"`);
  if (given === undefined) problems.push('--pool is missing: idm, mixer or vdm');
  return (given ?? []) as Pool[];
}

export function count(
  name: string,
  text: string | undefined,
  fallback: number,
  { problems, max = COUNT_MAX }: { readonly problems: string[]; readonly max?: number },
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  problems.push(`--${name}: expected a whole number, 1 to ${max}, got "${text}"`);
  return fallback;
}

/** @throws as `devicesOf` */
export async function devicesOfFlag(device = DEVICE_DEFAULT): Promise<readonly string[]> {
  // Loads ONNX Runtime.
  const { devicesOf } = await import('../../workers/inference/device.ts');
  return devicesOf(device);
}

/** Of each worker of `up`. @throws as `devicesOf` */
export async function upDevicesOf(
  flags: Pick<ProgramFlags, 'device' | 'workers'>,
  problems: string[],
): Promise<readonly string[]> {
  const workers = count('workers', flags.workers, UP_WORKERS, { problems });
  const devices = await devicesOfFlag(flags.device);
  const [device = DEVICE_DEFAULT] = devices;
  const isOfEach = devices.length > 1 || flags.device?.endsWith(':all') === true;
  if (!isOfEach) return Array.from({ length: workers }, () => device);
  if (flags.workers !== undefined) {
    problems.push(`--workers: --device ${flags.device} begins one for each device; leave it out`);
  }
  return devices;
}

/** Of files with results that a worker holds for others. */
export function heldBytesOf(text = '16', problems: string[]): number {
  const gib = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(gib) && gib >= 0) return Math.floor(gib * 2 ** 30);
  problems.push(`--held-gib: expected a number, 0 or more, got "${text}"`);
  return 0;
}

/** Infinity: never. */
export function checkpointSecondsOf(text: string | undefined, problems: string[]): number {
  if (text === undefined) return CHECKPOINT_SECONDS;
  const seconds = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds === 0 ? Infinity : seconds;
  problems.push(`--checkpoint-seconds: expected a number, 0 or more, got "${text}"`);
  return CHECKPOINT_SECONDS;
}

/** Milliseconds. */
export function drainMsOf(text: string | undefined, problems: string[]): number {
  if (text === undefined) return DRAIN_SECONDS * 1_000;
  const seconds = text.trim() === '' ? NaN : Number(text);
  if (seconds >= 0 && seconds <= DRAIN_SECONDS_MAX) return Math.round(seconds * 1_000);
  problems.push(`--drain-seconds: expected a number, 0 to ${DRAIN_SECONDS_MAX}, got "${text}"`);
  return DRAIN_SECONDS * 1_000;
}

/** @throws invalid-argument */
export function checkHttpAddress(address: string | undefined): void {
  if (address !== undefined) hostPortOf(address, '--http');
}

/** @throws invalid-argument */
export function keepJobsMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const days = Number(text);
  if (text.trim() !== '' && Number.isFinite(days) && days >= 0) return days * MS_PER_DAY;
  throw new BivdiffError(
    'invalid-argument',
    `--keep-jobs: expected days, 0 or more, got "${text}"`,
  );
}

export function throwProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
}

export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
