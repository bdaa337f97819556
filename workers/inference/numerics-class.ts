// Which results must have equal bits: a string that names all that can change them besides the task. Two workers of one
// class give the same bytes, but for classes that say `timed-search`; the class is part of a task's id.

import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';

import { versionOfPackage } from '../../common/package-version.ts';

/**
 * Instruction sets between which ONNX Runtime's CPU kernels (MLAS) choose, best first. The first whose flags are all
 * there names the class; those after it change nothing.
 */
const instructionSets: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ['avx512', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
  ['avx512f', ['avx512f']],
  ['avx2', ['avx2', 'fma']],
  ['avx', ['avx']],
  ['sve', ['sve']],
  ['neon', ['asimd']],
];

/** Extensions that MLAS uses beside them for float32 and int8 products. */
const extensions: readonly (readonly [name: string, flag: string])[] = [
  ['vnni', 'avx512_vnni'],
  ['avxvnni', 'avx_vnni'],
  ['bf16', 'avx512_bf16'],
  ['amx', 'amx_tile'],
  ['dotprod', 'asimddp'],
  ['i8mm', 'i8mm'],
  ['bf16', 'bf16'],
  ['fp16', 'asimdhp'],
];

/**
 * Of a stage that runs graphs, say `cpu:x64-avx512+vnni+l2-2048k/onnxruntime-1.30.0/v8-13.6`. Threads and batch are not in it:
 * they change no bits (tested; lone-sample.ts sees to the cases where they would).
 */
export function inferenceClass(hardware = cpuHardware()): string {
  const library = `onnxruntime-${versionOfPackage('onnxruntime-node')}`;
  return `${hardware}/${library}/${plainClass()}`;
}

/** Providers that compute with NVIDIA's libraries. */
export const NVIDIA_PROVIDERS: readonly string[] = ['cuda', 'tensorrt'];

/**
 * Of a device that is not the processor, say `cuda:nvidia-h200-cpu-x64-avx512/tf32+timed-search`. `kind` is that of the device.
 *
 * What follows the kind are settings of ONNX Runtime's providers for NVIDIA. They have options for them (use_tf32,
 * cudnn_conv_algo_search), but the Node binding hands on none but the device (test/integration/workers/inference/library-faults.test.ts),
 * so they are as ONNX Runtime has them, and the class says how that is:
 * - `tf32`: float32 products and convolutions may round their inputs to 10 bits of fraction; `no-tf32` if NVIDIA_TF32_OVERRIDE=0, which
 *   NVIDIA's libraries heed themselves, forbids it.
 * - `timed-search`: what computes a convolution is whatever was fastest when the session tried, so two sessions may differ in last bits.
 */
export function deviceHardware(
  provider: string,
  kind: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const hardware = `${provider}:${kind}`;
  if (!NVIDIA_PROVIDERS.includes(provider)) return hardware;
  return `${hardware}/${env['NVIDIA_TF32_OVERRIDE'] === '0' ? 'no-tf32' : 'tf32'}+timed-search`;
}

/** Of this machine's processors, say `cpu:x64-avx2+l2-512k`. */
export function cpuHardware(): string {
  return `cpu:${thisCpuClass()}`;
}

/**
 * Of a stage that is JavaScript alone, say `v8-13.6`: arithmetic is the same everywhere, but exp, log and sin are V8's
 * own code.
 */
export function plainClass(): string {
  return `v8-${process.versions.v8.split('.').slice(0, 2).join('.')}`;
}

/** Of this machine: from /proc/cpuinfo and what Linux tells of caches where there are such, else the processor's name. */
function thisCpuClass(): string {
  try {
    return cpuClass(arch(), readFileSync('/proc/cpuinfo', 'utf8'), secondCache());
  } catch {
    const model = cpus()[0]?.model ?? 'unknown';
    return `${arch()}-${model.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  }
}

/** The size of this machine's second cache as Linux writes it, say `2048K`; undefined if it tells of none. @throws Error — it tells of no caches */
export function secondCache(): string | undefined {
  const caches = '/sys/devices/system/cpu/cpu0/cache';
  const told = (index: string, file: string) =>
    readFileSync(join(caches, index, file), 'utf8').trim();
  const indices = readdirSync(caches).filter((name) => /^index\d+$/.test(name));
  const index = indices.find((name) => told(name, 'level') === '2');
  return index && told(index, 'size');
}

/**
 * Of the first processor that `cpuinfo` lists, say `x64-avx512+vnni+bf16+l2-2048k`. Attention goes through as many positions at a time as the second
 * cache has room for (`MultiHeadAttention` of ONNX Runtime's CPU provider), and that many sums are rounded together.
 */
export function cpuClass(architecture: string, cpuinfo: string, l2?: string): string {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  const flags = new Set(line.trim().split(/\s+/));
  const [base] = instructionSets.find(([, needed]) => needed.every((flag) => flags.has(flag))) ?? [
    'base',
  ];
  const present = extensions.filter(([, flag]) => flags.has(flag)).map(([name]) => name);
  const cache = l2 === undefined ? [] : [`l2-${l2.toLowerCase()}`];
  return `${architecture}-${[base, ...present, ...cache].join('+')}`;
}
