// Graphs of the real size, whose weights are made up where they are run: what a step takes and what a model fills does not depend on them.

import { existsSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openOnnxSession } from '../../workers/inference/onnx/onnx-session.ts';
import { deviceBytes } from './device-memory.ts';
import { exampleInputs } from './example-inputs.ts';
import type { ExampleSizes } from './example-inputs.ts';
import { differenceOf } from './parity.ts';
import type { Outputs } from './parity.ts';

const CHUNK = 16 << 20;

/** What a graph computes in: those of one folder are over the same weights. */
const FORMS = ['float32', 'float16'] as const;

export interface FullSizeFigures {
  readonly graph: string;
  readonly form: (typeof FORMS)[number];
  readonly size: string;
  readonly loadSeconds: number;
  /** Least of the rounds, both halves of guidance in one call. */
  readonly stepSeconds: number;
  /** What the device (the process, on a processor) holds more than before loading. */
  readonly loadedBytes: number;
  readonly runBytes: number;
  /** Greatest difference of the result to float32's, as a share of that one's greatest value. */
  readonly difference: number;
}

export interface FullSizeOptions {
  /** Of `python -m parity.full_size`. */
  readonly folder: string;
  readonly device: string;
  readonly threads: number;
  readonly rounds: number;
  /** By a graph's folder. */
  readonly sizes: Readonly<Record<string, ExampleSizes>>;
}

/** One after the other, as far as there are sizes for them. */
export async function* timeFullSize(options: FullSizeOptions): AsyncGenerator<FullSizeFigures> {
  for (const name of (await readdir(options.folder)).sort()) {
    const sizes = options.sizes[name];
    if (sizes === undefined) continue;
    await fillWeights(join(options.folder, name));
    let expected: Outputs | undefined;
    for (const form of FORMS) {
      const { outputs, ...figures } = await timeGraph(name, form, sizes, options);
      expected ??= outputs;
      yield { ...figures, difference: differenceOf(expected, outputs) };
    }
  }
}

/** Files of float16 values, as large as said; those that are there stay. */
async function fillWeights(folder: string): Promise<void> {
  const said = JSON.parse(await readFile(join(folder, 'weights.json'), 'utf8')) as Record<
    string,
    number
  >;
  const chunk = randomHalves();
  for (const [name, bytes] of Object.entries(said)) {
    const path = join(folder, name);
    if (existsSync(path)) continue;
    await using file = await open(path, 'w');
    for (let at = 0; at < bytes; at += CHUNK) {
      await file.write(chunk, 0, Math.min(CHUNK, bytes - at));
    }
  }
}

/** Of either sign, between 1/64 and 1/32: no step over them grows without bound, and none is 0. */
function randomHalves(): Buffer {
  const halves = new Uint16Array(CHUNK / 2);
  let state = 1;
  for (let i = 0; i < halves.length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    halves[i] = 0x2400 | ((state >>> 22) & 0x3ff) | ((state >>> 6) & 0x8000);
  }
  return Buffer.from(halves.buffer);
}

async function timeGraph(
  name: string,
  form: FullSizeFigures['form'],
  sizes: ExampleSizes,
  { folder, device, threads, rounds }: FullSizeOptions,
): Promise<Omit<FullSizeFigures, 'difference'> & { readonly outputs: Outputs }> {
  const before = await deviceBytes(device);
  const begunMs = performance.now();
  const graph = join(folder, name, `${form}.onnx`);
  const session = await openOnnxSession({ name, graph, threads, executionProviders: [device] });
  const loadSeconds = (performance.now() - begunMs) / 1000;
  const loadedBytes = (await deviceBytes(device)) - before;
  const inputs = exampleInputs(session.inputs, sizes);
  let stepSeconds = Infinity;
  // The first finds its algorithms.
  let outputs: Outputs = {};
  for (let round = 0; round <= rounds; round += 1) {
    const roundMs = performance.now();
    outputs = await session.run(inputs);
    if (round > 0) stepSeconds = Math.min(stepSeconds, (performance.now() - roundMs) / 1000);
  }
  const runBytes = (await deviceBytes(device)) - before;
  await session.release();
  const { batch, frames, height, width } = sizes;
  const isClip = session.inputs[0]?.shape.includes('frames') === true;
  const size = `${width * 8}x${height * 8}${isClip ? `, ${frames} frames` : ''}, batch ${batch}`;
  return { graph: name, form, size, loadSeconds, stepSeconds, loadedBytes, runBytes, outputs };
}
