// Whether a device computes what the processor does, on every graph that ships.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { openOnnxSession } from '../../workers/inference/onnx/onnx-session.ts';
import type { Tensor } from '../../workers/tensor/tensor.ts';
import { exampleInputs } from './example-inputs.ts';

/** A batch of 4 is what prompt2prompt's graph takes. */
const SIZES = { batch: 4, frames: 8, height: 16, width: 16 };

/** Beside a graph, the same one as `python -m export graphs --compute fp16` writes it. */
const HALF_ENDING = '.fp16.onnx';

export interface DeviceFigures {
  /** Greatest difference to the processor's result in float32, as a share of that one's greatest value. */
  readonly difference: number;
  /** Least of three runs. */
  readonly seconds: number;
}

export interface ParityFigures {
  readonly graph: string;
  readonly processorSeconds: number;
  readonly device: DeviceFigures;
  /** Computed in float16, on the device, where there is such a graph. */
  readonly half?: DeviceFigures;
}

/** Graph by graph. `folder`: a model set's. */
export async function* compareGraphs(
  folder: string,
  { device, threads }: { readonly device: string; readonly threads: number },
): AsyncGenerator<ParityFigures> {
  const files = await readdir(folder, { recursive: true });
  const names = files.filter((name) => name.endsWith('.onnx') && !name.endsWith(HALF_ENDING));
  for (const name of names.sort()) {
    const run = (file: string, provider: string) =>
      runGraph({ name, graph: join(folder, file), threads, executionProviders: [provider] });
    const expected = await run(name, 'cpu');
    const onDevice = async (file: string): Promise<DeviceFigures> => {
      const { outputs, seconds } = await run(file, device);
      return { difference: differenceOf(expected.outputs, outputs), seconds };
    };
    const half = name.replace('.onnx', HALF_ENDING);
    yield {
      graph: name,
      processorSeconds: expected.seconds,
      device: await onDevice(name),
      ...(files.includes(half) && { half: await onDevice(half) }),
    };
  }
}

async function runGraph(options: Parameters<typeof openOnnxSession>[0]) {
  const session = await openOnnxSession(options);
  try {
    const inputs = exampleInputs(session.inputs, SIZES);
    let outputs = await session.run(inputs);
    let seconds = Infinity;
    for (let round = 0; round < 3; round += 1) {
      const begunMs = performance.now();
      outputs = await session.run(inputs);
      seconds = Math.min(seconds, (performance.now() - begunMs) / 1000);
    }
    return { outputs, seconds };
  } finally {
    await session.release();
  }
}

export type Outputs = Readonly<Record<string, Tensor>>;

/** Of the output that differs most, as a share of its greatest value. NaN where one has some. */
export function differenceOf(expected: Outputs, found: Outputs): number {
  let worst = 0;
  for (const [name, { data }] of Object.entries(expected)) {
    const other = found[name]!.data;
    let greatest = 0;
    let apart = 0;
    for (let i = 0; i < data.length; i += 1) {
      greatest = Math.max(greatest, Math.abs(Number(data[i])));
      apart = Math.max(apart, Math.abs(Number(data[i]) - Number(other[i])));
    }
    worst = Math.max(worst, apart / greatest);
  }
  return worst;
}
