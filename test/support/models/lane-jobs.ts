// Jobs for the lanes of test-lane.ts, and a pool of such lanes.

import type { Digest } from '../../../common/task.ts';
import type { LaneModel } from '../../../workers/inference/lanes/lane-job.ts';
import { createLanePool } from '../../../workers/inference/lanes/lane-pool.ts';
import type { LanePool, LanePoolOptions } from '../../../workers/inference/lanes/lane-pool.ts';
import { floatTensor } from '../../../workers/tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../../../workers/tensor/tensor.ts';
import { graphPath } from './paths.ts';
import type { SlowParams } from './test-lane.ts';

export const TEST_LANE = new URL('test-lane.ts', import.meta.url);
/** A run of the slow graph of about 50 ms on a free core. */
export const ROUNDS = 60_000;

export function openTestPool(options: Partial<LanePoolOptions> = {}): LanePool {
  return createLanePool({
    lanes: 1,
    threadsPerLane: 1,
    memoryLimitBytes: 2 ** 30,
    entry: TEST_LANE,
    ...options,
  });
}

export function graph(name: string, file = `${name}.onnx`): LaneModel {
  return { name, digest: name as Digest, graph: graphPath(file), config: {} };
}

export function addJob(a: FloatTensor, b: FloatTensor) {
  const models = { adder: graph('adder', 'add.onnx') };
  return { stage: 'add', params: {}, tensors: { a, b }, frames: [], models };
}

export function slowJob(params: Partial<SlowParams> = {}) {
  return {
    stage: 'slow',
    params: { steps: 1, roundsPerStep: ROUNDS, checks: true, ...params },
    tensors: {},
    frames: [],
    models: { slow: graph('slow') },
  };
}

/** A job that holds its lane's thread from its first step on, until `open` is called. */
export function holdJob() {
  const data = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  const gate: Tensor = { type: 'int64', shape: [1], data };
  const open = (): void => {
    Atomics.store(data, 0, 1n);
    Atomics.notify(data, 0);
  };
  return { job: { ...bareJob('hold'), tensors: { gate } }, open };
}

export function row(...values: number[]): FloatTensor {
  return floatTensor([1, values.length], Float32Array.from(values));
}

export function bareJob(stage: string, models: Readonly<Record<string, LaneModel>> = {}) {
  return { stage, params: {}, tensors: {}, frames: [], models };
}
