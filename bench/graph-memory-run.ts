// One graph in a process of its own, for graph-memory.ts: graph-memory-run.ts GRAPH ROLE SHAPE prints what it took as JSON.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openOnnxSession } from '../workers/inference/onnx/onnx-session.ts';
import type { ValueFacts } from '../workers/inference/ports.ts';
import { elementCount, floatTensor } from '../workers/tensor/tensor.ts';
import type { Tensor } from '../workers/tensor/tensor.ts';
import type { GraphShape, MeasuredMemory } from './graph-memory.ts';

const RUNS = 2;
const TOKENS = 77;
const [graph = '', role = '', shapeText = '{}'] = process.argv.slice(2);
const shape = JSON.parse(shapeText) as GraphShape;

// ONNX Runtime itself, some 30 MiB, is there once, whatever is loaded.
const SMALL = join(import.meta.dirname, '../models/demo/image/text_encoder/model.onnx');
const small = await openOnnxSession({ name: 'text encoder', graph: SMALL, threads: 1 });
await small.release();
const base = residentBytes().now;
forgetPeak();
const session = await openOnnxSession({ name: role, graph, threads: 1 });
const afterLoading = residentBytes();
const feeds = Object.fromEntries(session.inputs.map((input) => [input.name, feedOf(input)]));
const before = residentBytes().now;
forgetPeak();
for (let run = 0; run < RUNS; run += 1) await session.run(feeds);
const run = residentBytes().peak - before;
await session.release();
globalThis.gc?.();
const measured: MeasuredMemory = {
  loading: afterLoading.peak - base,
  loaded: afterLoading.now - base,
  ...{ run, released: residentBytes().now - base },
};
process.stdout.write(JSON.stringify(measured));

function feedOf({ name, type, shape: declared }: ValueFacts): Tensor {
  const { samples, frames, side } = shape;
  const latents = side / 8;
  if (name === 'timestep') {
    if (type === 'int64') return { type, shape: [], data: BigInt64Array.of(500n) };
    return waves([]);
  }
  if (name === 'encoder_hidden_states') return waves([samples, TOKENS, Number(declared[2])]);
  if (name === 'conditioning_scales') return waves([Number(declared[0])]);
  if (name === 'controlnet_conds') return waves([Number(declared[0]), samples, 3, side, side]);
  if (name === 'latent_sample') return waves([samples, 4, latents, latents]);
  if (role === 'vae-encoder') return waves([samples, 3, side, side]);
  const clip = declared.length === 5 ? [frames] : [];
  return waves([samples, Number(declared[1]), ...clip, latents, latents]);
}

function waves(sizes: readonly number[]): Tensor {
  const data = Float32Array.from({ length: elementCount(sizes) }, (_, i) => Math.sin(i * 1.7));
  return floatTensor(sizes, data);
}

function residentBytes(): { readonly now: number; readonly peak: number } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const [now, peak] = ['VmRSS', 'VmHWM'].map((name) => {
    return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
  });
  return { now: now!, peak: peak! };
}

/** The kernel begins to count the peak anew. */
function forgetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}
