// Reads what models/parity recorded: one safetensors file per stage, and the parameters of the job.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../../../workers/tensor/tensor.ts';

const folder = fileURLToPath(new URL('../../../../models/parity/goldens', import.meta.url));

/** The parameters of models/parity/goldens.py. */
export interface GoldenParameters {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly canny: { readonly low: number; readonly high: number };
  readonly steps: number;
  readonly scheduler: 'ddim';
  readonly guidanceScale: number;
  readonly videoGuidanceScale: number;
  readonly conditioningScale: number;
  readonly mixingRatio: number;
  readonly posterior: 'mode';
}

interface Header {
  readonly [tensor: string]: {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly data_offsets: readonly [number, number];
  };
}

export function goldenParameters(): GoldenParameters {
  const index = readFileSync(`${folder}/index.json`, 'utf8');
  return (JSON.parse(index) as { parameters: GoldenParameters }).parameters;
}

export function goldenFloats(stage: string, name: string): FloatTensor {
  const { dtype, shape, bytes } = readTensor(stage, name);
  if (dtype !== 'F32') throw new TypeError(`${stage}: ${name} is ${dtype}`);
  return floatTensor(shape, new Float32Array(bytes.slice().buffer));
}

export function goldenFrames(stage: string, name: string): FrameTensor {
  const { dtype, shape, bytes } = readTensor(stage, name);
  if (dtype !== 'U8') throw new TypeError(`${stage}: ${name} is ${dtype}`);
  return frameTensor(shape, bytes.slice());
}

/** The outlines, recorded as one channel, as the pictures that stages pass on. */
export function goldenControl(): FrameTensor {
  const { shape, data } = goldenFrames('annotate', 'control');
  return frameTensor(
    [...shape, 3],
    Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)]!),
  );
}

function readTensor(stage: string, name: string) {
  const file = readFileSync(`${folder}/${stage}.safetensors`);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Header;
  const entry = header[name];
  if (entry === undefined) throw new RangeError(`${stage} has no ${name}`);
  const [start, end] = entry.data_offsets.map((offset) => 8 + headerBytes + offset);
  const { buffer, byteOffset } = file;
  const bytes = new Uint8Array(buffer, byteOffset + start!, end! - start!);
  return { dtype: entry.dtype, shape: entry.shape, bytes };
}

/** Largest absolute difference of two tensors of one shape. */
export function maxDifference(a: FloatTensor | FrameTensor, b: FloatTensor | FrameTensor): number {
  if (a.shape.join() !== b.shape.join()) {
    throw new RangeError(`[${a.shape.join(', ')}] is not [${b.shape.join(', ')}]`);
  }
  let largest = 0;
  for (let i = 0; i < a.data.length; i += 1) {
    const difference = Math.abs(a.data[i]! - b.data[i]!);
    // NaN is no agreement.
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
