// The things that `bivdiff doctor` tries, one function each. A check never throws: what goes wrong is what it finds.

import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { BivdiffError } from '../../common/errors.ts';
import { makeTemporaryFolder } from '../../common/files/temporary-folder.ts';
import { openModelSet } from '../../common/models/model-folder.ts';
import { endingOf, MOVIE_FORMATS } from '../../common/outputs/output-formats.ts';
import { isFolder, openStore } from '../../common/store/open-store.ts';
import { listExecutionProviders } from '../../workers/inference/onnx/providers.ts';
import type { ProviderFacts } from '../../workers/inference/onnx/providers.ts';
import { machineMemory } from '../../workers/machine-memory.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import { programVersions } from '../versions.ts';
import { formatBytes } from '../output/format.ts';
import { checkStoreFolder } from '../output/check-store-folder.ts';

export interface Finding {
  readonly name: string;
  /** `fail`: no render without it. `warn`: some renders, or slowly. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do, unless all is well. */
  readonly advice?: string;
}

export interface CheckOptions {
  readonly storeFolder: string;
  readonly modelsFolder: string;
  readonly signal: AbortSignal;
}

const NODE_MAJOR_MIN = 24;
/** The shipped models need about one; real ones need more, as `bivdiff plan` tells. */
const MEMORY_BYTES_MIN = 2 * 2 ** 30;
const DISK_BYTES_MIN = 2 ** 30;
const GPU_QUERY_MS = 10_000;

/** Attempts everything, in the order in which it is shown. @throws cancelled */
export async function runChecks(options: CheckOptions): Promise<readonly Finding[]> {
  const gpus = await listGpus();
  const findings: Finding[] = [checkNode(), await checkCpu(), checkMemory(), gpuFinding(gpus)];
  findings.push(...(await checkProviders(options, { hasNvidia: gpus.length > 0 })));
  findings.push(...(await checkCodecs(options)));
  findings.push(await checkStore(options));
  if (isFolder(options.storeFolder)) findings.push(await checkDisk(options));
  findings.push(await checkModels(options));
  options.signal.throwIfAborted();
  return findings;
}

function checkNode(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  const found = process.versions.node;
  if (major >= NODE_MAJOR_MIN) return { name: 'node', state: 'ok', found };
  const advice = `Node ${NODE_MAJOR_MIN} or newer is needed; bin/bivdiff brings its own.`;
  return { name: 'node', state: 'fail', found, advice };
}

async function checkCpu(): Promise<Finding> {
  const cores = availableParallelism();
  const model = cpus()[0]?.model ?? process.arch;
  const flags = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const has = (flag: string): boolean => new RegExp(`^flags.*\\b${flag}\\b`, 'm').test(flags);
  const sets = [...(has('avx2') ? ['AVX2'] : []), ...(has('avx512f') ? ['AVX-512'] : [])];
  const known = sets.length === 0 ? '' : `, ${sets.join(', ')}`;
  const found = `${model}, ${cores} cores${known}`;
  if (process.arch !== 'x64' || flags === '' || sets.length > 0) {
    return { name: 'cpu', state: 'ok', found };
  }
  return {
    name: 'cpu',
    state: 'warn',
    found,
    advice: 'Without AVX2 renders are several times slower.',
  };
}

function checkMemory(): Finding {
  const found = `${formatBytes(machineMemory())}, ${formatBytes(process.availableMemory())} free`;
  if (machineMemory() >= MEMORY_BYTES_MIN) return { name: 'memory', state: 'ok', found };
  const advice = 'Use one slot and small sizes; bivdiff plan tells what a render takes.';
  return { name: 'memory', state: 'warn', found, advice };
}

/** By name, memory and driver; empty where there is no driver of NVIDIA. */
async function listGpus(): Promise<readonly string[]> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: GPU_QUERY_MS });
    return stdout.split('\n').filter((line) => line.trim() !== '');
  } catch {
    return [];
  }
}

function gpuFinding(gpus: readonly string[]): Finding {
  const found = gpus.length > 0 ? gpus.join('; ') : 'no NVIDIA GPU found: renders run on the CPU';
  return { name: 'gpu', state: 'ok', found };
}

interface Machine {
  /** Then a GPU that cannot be used is worth a warning. */
  readonly hasNvidia: boolean;
}

async function checkProviders({ signal }: CheckOptions, machine: Machine): Promise<Finding[]> {
  const version = programVersions()['onnxruntime-node'] ?? 'unknown';
  const name = 'onnxruntime';
  try {
    const providers = await listExecutionProviders({ signal });
    const cpu = providers.find((one) => one.name === 'cpu');
    const usable = providers.filter(({ isUsable }) => isUsable).map((one) => one.name);
    const found = `${version}, providers: ${usable.join(', ') || 'none'}`;
    const others = providers
      .filter((one) => !one.isUsable && one !== cpu)
      .map((one) => unusable(one, machine));
    if (cpu?.isUsable === true) return [{ name, state: 'ok', found }, ...others];
    const advice = `The CPU provider does not work: ${cpu?.reason ?? 'not there'}; run npm ci again.`;
    return [{ name, state: 'fail', found, advice }, ...others];
  } catch (reason) {
    return [failed(name, reason, 'run npm ci again.')];
  }
}

/** Nobody who has no such device needs advice; TensorRT and WebGPU are other ways to use one. */
function unusable({ name, reason, advice }: ProviderFacts, { hasNvidia }: Machine): Finding {
  const finding = { name, found: `not usable: ${reason ?? 'no reason was given'}` };
  if (name !== 'cuda' || !hasNvidia) return { ...finding, state: 'ok' };
  return { ...finding, state: 'warn', ...(advice === undefined ? {} : { advice }) };
}

async function checkCodecs(options: CheckOptions): Promise<Finding[]> {
  try {
    await using folder = await makeTemporaryFolder('doctor');
    return await tryCodecs(folder.path, options);
  } catch (reason) {
    const advice = 'Make room there, or let TMPDIR name a folder that this user may write to.';
    return [failed('temporary files', reason, advice)];
  }
}

/** Encodes two frames in each format, and reads the result back. */
async function tryCodecs(folder: string, { signal }: CheckOptions): Promise<Finding[]> {
  const media = createMediaService();
  const size = { width: 64, height: 64 };
  const frame = new Uint8Array(size.width * size.height * 3).fill(128);
  const findings: Finding[] = [];
  try {
    for (const format of MOVIE_FORMATS) {
      const path = join(folder, `${format}${endingOf(format)}`);
      const name = `codec ${format}`;
      try {
        await media.encode({ path, format, framesPerSecond: 8, ...size }, [frame, frame], {
          signal,
        });
        const { codec } = await media.probe(path, { signal });
        findings.push({ name, state: 'ok', found: `writes and reads ${codec}` });
      } catch (reason) {
        const state = format === 'mp4' ? 'fail' : 'warn';
        const advice = `Outputs in ${format} will fail; run npm ci again, or choose another format.`;
        findings.push({ ...failed(name, reason, advice), state });
      }
    }
  } finally {
    await media.close();
  }
  return findings;
}

async function checkStore({ storeFolder }: CheckOptions): Promise<Finding> {
  try {
    if (isFolder(storeFolder)) await checkStoreFolder(storeFolder);
    else await (await openStore(storeFolder)).close();
    return { name: 'store', state: 'ok', found: `${storeFolder} can be written` };
  } catch (reason) {
    return failed(
      'store',
      reason,
      hintOf(reason) ?? 'Choose another place with --store or $BIVDIFF_STORE.',
    );
  }
}

async function checkDisk({ storeFolder }: CheckOptions): Promise<Finding> {
  const name = 'disk';
  try {
    const { bavail, bsize } = await statfs(await existingFolder(storeFolder));
    const free = bavail * bsize;
    const found = `${formatBytes(free)} free for the store`;
    if (free >= DISK_BYTES_MIN) return { name, state: 'ok', found };
    return { name, state: 'warn', found, advice: 'bivdiff store gc makes room.' };
  } catch (reason) {
    return failed(name, reason, 'Choose another folder with --store or $BIVDIFF_STORE.');
  }
}

async function checkModels({ modelsFolder }: CheckOptions): Promise<Finding> {
  const folder = join(modelsFolder, 'demo');
  try {
    const set = await openModelSet(folder);
    return { name: 'models', state: 'ok', found: `${set.name} in ${folder}` };
  } catch (reason) {
    return failed('models', reason, `bivdiff models check ${folder} tells more.`);
  }
}

/** Of an error that knows better what to do: which keys, which bucket. */
function hintOf(reason: unknown): string | undefined {
  return reason instanceof BivdiffError && reason.details['store'] !== undefined
    ? reason.hint
    : undefined;
}

function failed(name: string, reason: unknown, advice: string): Finding {
  const [found = ''] = BivdiffError.from(reason).message.split('\n');
  return { name, state: 'fail', found, advice };
}

async function existingFolder(path: string): Promise<string> {
  try {
    await statfs(path);
    return path;
  } catch (reason) {
    if (dirname(path) === path) throw reason;
    return existingFolder(dirname(path));
  }
}
