// Where graphs run: an execution provider of ONNX Runtime, and which of its devices. Written `cpu`, `cuda`, `cuda:1`.

import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

import { BivdiffError } from '../../common/errors.ts';
import { modelMemory } from '../machine-memory.ts';
import { cpuHardware, deviceHardware, inferenceClass } from './numerics-class.ts';
import { probeProvider } from './onnx/providers.ts';

const QUERY_MS = 10_000;
const MIB = 2 ** 20;

export interface Device {
  /** As `openOnnxSession` takes it. */
  readonly executionProvider: string;
  /** Of what runs on it. */
  readonly inferenceClass: string;
  /** What models and their runs may fill of it. */
  readonly memoryBytes: number;
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
  if (!/^[a-z]+(:\d+)?$/.test(name)) {
    const hint = 'Such as cpu, cuda, cuda:1, webgpu; `bivdiff doctor` lists what works here.';
    throw new BivdiffError('invalid-argument', `no device is called "${name}"`, { hint });
  }
  const hostBytes = modelMemory();
  if (name === 'cpu') {
    return { executionProvider: name, inferenceClass: inferenceClass(), memoryBytes: hostBytes };
  }
  const { isUsable, reason } = await probeProvider(name, options);
  if (!isUsable) {
    throw new BivdiffError('failed-precondition', `device ${name} does not work here: ${reason}`, {
      hint: '`bivdiff doctor` lists what works here; --device cpu always does.',
    });
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

interface Gpu {
  readonly name: string;
  readonly memoryBytes: number;
}

/** Undefined where there is no NVIDIA driver, or it says something else than it used to. */
async function askDriver(index: string): Promise<Gpu | undefined> {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits', `--id=${index}`];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: QUERY_MS });
    const [, said = '', mebibytes = ''] = /^(.+),\s*(\d+)\s*$/.exec(stdout.trim()) ?? [];
    const name = said.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    return name === '' ? undefined : { name, memoryBytes: Number(mebibytes) * MIB };
  } catch {
    return undefined;
  }
}
