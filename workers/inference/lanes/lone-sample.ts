// Makes a graph's bits independent of the number of threads for a batch of one. Knows the contracts' convention that
// a batch has one name in all inputs; nothing of stages.

import { loneSampleNeedsPair } from '../../../common/models/lone-sample.ts';
import type { JsonObject } from '../../../common/task.ts';
import type { GraphKind } from '../graph-kind.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Session } from '../ports.ts';
import type { LaneSettings } from './lane-job.ts';

/**
 * Runs a lone sample as two equal ones and gives back the first; any other batch as it is.
 *
 * ONNX Runtime's CPU convolution gives each sample of a batch to one thread, but cuts a lone one into as many pieces as
 * there are threads, and the length of a piece decides how it groups its sums (MLAS, convolve.cpp: the stride over K
 * follows from the segment's width). So the last bits of a lone sample may change with the number of threads. Two samples
 * cost up to twice the time of one, which is what one thread would take. With one thread there is no difference.
 */
export async function runLoneSampleTwice(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const paired = pairSamples(session, feeds);
  if (paired === undefined) return session.run(feeds);
  const outputs = await session.run(paired);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => [name, firstOfTwo(output)]),
  );
}

export interface GraphUse {
  readonly kind: GraphKind;
  /** Of its part. */
  readonly config: JsonObject;
  readonly settings: Pick<LaneSettings, 'threads' | 'executionProviders'>;
}

/** Whether the bits of a lone sample may depend on the number of threads, up to the lane's. */
export function dependsOnThreads(
  { kind, config, settings: { threads, executionProviders } }: GraphUse,
  feeds: Readonly<Record<string, Tensor>>,
): boolean {
  // Threads are the CPU provider's alone.
  if (threads === 1 || executionProviders.some((provider) => provider !== 'cpu')) return false;
  const { convolves, hasBatch, isClip } = kind;
  const shape = convolves === undefined ? undefined : feeds[convolves.input]?.shape;
  if (!hasBatch || convolves === undefined || shape === undefined) return false;
  const [, , frames = 1] = isClip ? shape : [];
  const [height = 0, width = 0] = shape.slice(-2);
  return loneSampleNeedsPair(config, {
    ...{ pixels: frames * height * width, frames, threads },
    isHalved: convolves.isHalved,
  });
}

/** Undefined if the batch is not one, or has no name. */
function pairSamples(
  { inputs }: Session,
  feeds: Readonly<Record<string, Tensor>>,
): Readonly<Record<string, Tensor>> | undefined {
  const sample = inputs.find(({ shape }) => shape.length >= 2);
  const batch = sample?.shape[0];
  if (sample === undefined || typeof batch !== 'string' || batch === '') return undefined;
  if (feeds[sample.name]?.shape[0] !== 1) return undefined;
  const paired: Record<string, Tensor> = { ...feeds };
  for (const { name, shape } of inputs) {
    const feed = feeds[name];
    // Frames may be joined to the batch: `batch*frames`.
    const axis = shape.findIndex((size) => String(size).split('*')[0] === batch);
    // A feed that does not fit is the session's to refuse.
    if (axis < 0 || feed?.shape.length !== shape.length) continue;
    paired[name] = repeatAlong(feed, axis);
  }
  return paired;
}

/** Twice the tensor along an axis before which all sizes are 1. */
function repeatAlong(tensor: Tensor, axis: number): Tensor {
  const { shape, data } = tensor;
  const innerLength = shape.slice(axis).reduce((product, size) => product * size, 1);
  const repeated = new (data.constructor as Float32ArrayConstructor)(2 * data.length);
  for (let start = 0; start < data.length; start += innerLength) {
    const inner = data.subarray(start, start + innerLength) as Float32Array;
    repeated.set(inner, 2 * start);
    repeated.set(inner, 2 * start + innerLength);
  }
  return { ...tensor, shape: shape.with(axis, 2 * shape[axis]!), data: repeated } as Tensor;
}

function firstOfTwo(tensor: Tensor): Tensor {
  const { shape, data } = tensor;
  const first = data.slice(0, data.length / 2);
  return { ...tensor, shape: shape.with(0, shape[0]! / 2), data: first } as Tensor;
}
