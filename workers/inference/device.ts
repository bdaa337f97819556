// Where graphs run: an execution provider of ONNX Runtime, and which of its devices. Written `cpu`, `cuda`, `cuda:1`; several as
// `cuda:0,cuda:2` or `cuda:all`.

import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

import { BivdiffError } from '../../common/errors.ts';
import { modelMemory } from '../machine-memory.ts';
import { cpuHardware, deviceHardware, inferenceClass, NVIDIA_PROVIDERS } from './numerics-class.ts';
import { probeProvider } from './onnx/providers.ts';

const QUERY_MS = 10_000;
const MIB = 2 ** 20;
const DEVICE_HINT = '`bivdiff doctor` lists what works here; --device cpu always does.';

export interface Device {
  /** As `openOnnxSession` takes it. */
  readonly executionProvider: string;
  /** Of what runs on it. */
  readonly inferenceClass: string;
  /** What models and their runs may fill of it. */
  readonly memoryBytes: number;
}

/**
 * The devices that a setting names, none of them tried. `cuda:all` are all that NVIDIA's driver shows this process.
 * @throws invalid-argument — malformed, or all of something that cannot be counted
 * @throws failed-precondition — there is none
 */
export async function devicesOf(setting: string): Promise<readonly string[]> {
  const lists = setting.split(',').map(async (name) => {
    const [provider = '', index] = name.split(':');
    if (index !== 'all') {
      checkName(name);
      return [name];
    }
    if (!NVIDIA_PROVIDERS.includes(provider)) {
      throw new BivdiffError('invalid-argument', `the devices of ${provider} cannot be counted`, {
        hint: `Name them, or ask for all of ${NVIDIA_PROVIDERS.join(' or ')}.`,
      });
    }
    const count = await countGpus();
    if (count > 0) return Array.from({ length: count }, (_, each) => `${provider}:${each}`);
    const message = `${name}: NVIDIA's driver shows no GPU here (nvidia-smi)`;
    throw new BivdiffError('failed-precondition', message, { hint: DEVICE_HINT });
  });
  return (await Promise.all(lists)).flat();
}

/**
 * Attempts a device on a tiny graph, in a process of its own.
 * @throws invalid-argument — malformed
 * @throws failed-precondition — this machine cannot use it; says why
 */
export async function openDevice(
  name: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Device> {
  checkName(name);
  const hostBytes = modelMemory();
  if (name === 'cpu') {
    return { executionProvider: name, inferenceClass: inferenceClass(), memoryBytes: hostBytes };
  }
  // As NVIDIA's tools count; else the fastest is the first.
  process.env['CUDA_DEVICE_ORDER'] ??= 'PCI_BUS_ID';
  const { isUsable, reason, advice } = await probeProvider(name, options);
  if (!isUsable) {
    const hint = advice ?? DEVICE_HINT;
    const message = `device ${name} does not work here: ${reason}`;
    throw new BivdiffError('failed-precondition', message, { hint });
  }
  const [provider = name, index = '0'] = name.split(':');
  const gpu = await askDriver(index);
  // Bits differ between kinds of GPU. One whose kind cannot be told is like no other machine's.
  const kind =
    gpu === undefined ? `of-${hostname()}` : `${gpu.name}-${cpuHardware().replace(':', '-')}`;
  return {
    executionProvider: name,
    inferenceClass: inferenceClass(deviceHardware(provider, kind)),
    memoryBytes: gpu?.memoryBytes ?? hostBytes,
  };
}

function checkName(name: string): void {
  if (/^[a-z]+(:\d+)?$/.test(name)) return;
  const hint = 'Such as cpu, cuda, cuda:1, webgpu; `bivdiff doctor` lists what works here.';
  throw new BivdiffError('invalid-argument', `no device is called "${name}"`, { hint });
}

interface Gpu {
  readonly name: string;
  readonly memoryBytes: number;
}

/** Undefined where there is no NVIDIA driver, or it says something else than it used to. */
async function askDriver(index: string): Promise<Gpu | undefined> {
  const id = visibleGpus()?.[Number(index)] ?? index;
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits', `--id=${id}`];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: QUERY_MS });
    const [, said = '', mebibytes = ''] = /^(.+),\s*(\d+)\s*$/.exec(stdout.trim()) ?? [];
    const name = said.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    return name === '' ? undefined : { name, memoryBytes: Number(mebibytes) * MIB };
  } catch {
    return undefined;
  }
}

/** How many this process may use; 0 where there is no driver. */
async function countGpus(): Promise<number> {
  const visible = visibleGpus();
  if (visible !== undefined) return visible.length;
  const query = ['--query-gpu=index', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: QUERY_MS });
    return stdout.split('\n').filter((line) => /^\d+$/.test(line.trim())).length;
  } catch {
    return 0;
  }
}

/** By number or by UUID, as the environment may narrow and order them; undefined where it does not. */
function visibleGpus(): readonly string[] | undefined {
  const text = process.env['CUDA_VISIBLE_DEVICES'];
  if (text === undefined) return undefined;
  return text
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '' && id !== '-1');
}
