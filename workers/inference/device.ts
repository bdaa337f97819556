// Where graphs run: an execution provider of ONNX Runtime, and which of its devices. Written `cpu`, `cuda`, `cuda:1`.

import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

import { BivdiffError } from '../../common/errors.ts';
import { cpuHardware, inferenceClass } from './numerics-class.ts';
import { probeProvider } from './providers.ts';

const QUERY_MS = 10_000;

export interface Device {
  /** As `openOnnxSession` takes it. */
  readonly executionProvider: string;
  /** Of what runs on it. */
  readonly inferenceClass: string;
}

/**
 * Tries a device on a tiny graph, in a process of its own.
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
  if (name === 'cpu') return { executionProvider: name, inferenceClass: inferenceClass() };
  const { isUsable, reason } = await probeProvider(name, options);
  if (!isUsable) {
    throw new BivdiffError('failed-precondition', `device ${name} does not work here: ${reason}`, {
      hint: '`bivdiff doctor` lists what works here; --device cpu always does.',
    });
  }
  const [provider = name, index = '0'] = name.split(':');
  const hardware = `${provider}:${await gpuName(index)}`;
  return { executionProvider: name, inferenceClass: inferenceClass(hardware) };
}

/** Bits differ between kinds of GPU. One whose kind cannot be told is like no other machine's. */
async function gpuName(index: string): Promise<string> {
  const query = ['--query-gpu=name', '--format=csv,noheader', `--id=${index}`];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: QUERY_MS });
    const name = stdout
      .trim()
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-');
    if (name !== '') return `${name}-${cpuHardware().replace(':', '-')}`;
  } catch {
    // No NVIDIA driver.
  }
  return `of-${hostname()}`;
}
