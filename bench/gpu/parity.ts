// Whether a device computes what the processor does, on every graph that ships.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { openOnnxSession } from '../../workers/inference/onnx/onnx-session.ts';
import type { Tensor } from '../../workers/tensor/tensor.ts';
import { exampleInputs } from './example-inputs.ts';

/** A batch of 4 is what prompt2prompt's graph takes. */
const SIZES = { batch: 4, frames: 8, height: 16, width: 16 };

export interface ParityFigures {
  readonly graph: string;
  /** Greatest difference to the processor's result, as a share of that one's greatest value. */
  readonly difference: number;
  /** Least of three runs. */
  readonly processorSeconds: number;
  readonly deviceSeconds: number;
}

/** Graph by graph. `folder`: a model set's. */
export async function* compareGraphs(
  folder: string,
  { device, threads }: { readonly device: string; readonly threads: number },
): AsyncGenerator<ParityFigures> {
  const names = (await readdir(folder, { recursive: true })).filter((name) =>
    name.endsWith('.onnx'),
  );
  for (const name of names.sort()) {
    const graph = join(folder, name);
    const expected = await runGraph({ name, graph, threads, executionProviders: ['cpu'] });
    const found = await runGraph({ name, graph, threads, executionProviders: [device] });
    yield {
      graph: name,
      difference: differenceOf(expected.outputs, found.outputs),
      processorSeconds: expected.seconds,
      deviceSeconds: found.seconds,
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

type Outputs = Readonly<Record<string, Tensor>>;

/** Of the output that differs most. NaN where one has some. */
function differenceOf(expected: Outputs, found: Outputs): number {
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
