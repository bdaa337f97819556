// Between our tensors and ONNX Runtime's: what a graph's inputs and outputs are, feeds converted to the types it
// declares, outputs converted back and checked for NaN. Knows nothing of loading.

import assert from 'node:assert/strict';
import './no-telemetry.ts';
import * as ort from 'onnxruntime-node';

import { BivdiffError } from '../../../common/errors.ts';
import { elementCount } from '../../tensor/tensor.ts';
import type { Tensor, TensorType } from '../../tensor/tensor.ts';
import { floatsFromHalves, halvesFromFloats } from './half.ts';
import type { ValueFacts } from '../ports.ts';

/** How each of ONNX Runtime's types appears to a stage. Types absent here are refused when the graph is loaded. */
const seenAs = {
  float32: 'float32',
  float16: 'float16',
  float64: 'float32',
  uint8: 'uint8',
  int64: 'int64',
  int32: 'int64',
} as const satisfies Readonly<Record<string, TensorType>>;
type WireType = keyof typeof seenAs;

/** A value's facts, and the type that the graph itself declares. */
export interface GraphValue extends ValueFacts {
  readonly wireType: WireType;
}

/** @throws failed-precondition — a value is no tensor, or of a type that no stage has */
export function graphValues(
  metadata: readonly ort.InferenceSession.ValueMetadata[],
  graph: string,
): readonly GraphValue[] {
  return metadata.map((value) => {
    const type = value.isTensor ? value.type : 'no tensor';
    if (!value.isTensor || !isWireType(type)) {
      throw new BivdiffError(
        'failed-precondition',
        `graph ${graph}: ${value.name} is ${type}; expected one of ${Object.keys(seenAs).join(', ')}`,
        { hint: 'Export the model again with `models/export`.', retry: 'never' },
      );
    }
    return { name: value.name, type: seenAs[type], wireType: type, shape: [...value.shape] };
  });
}

function isWireType(type: string): type is WireType {
  return Object.hasOwn(seenAs, type);
}

/**
 * Feeds for one run, in the types that the graph declares. A one-element feed fits an input of rank 0 and of rank 1; for
 * rank 1 it is repeated to the size that the input's symbolic dimension has in another feed (older exports want a
 * timestep for each of the batch).
 * @throws invalid-argument — a feed is missing or unknown, or its type, rank or a fixed size does not fit
 */
export function ortFeeds(
  inputs: readonly GraphValue[],
  feeds: Readonly<Record<string, Tensor>>,
  graph: string,
): Record<string, ort.Tensor> {
  const known = inputs.map(({ name }) => name);
  for (const name of Object.keys(feeds)) {
    if (!known.includes(name))
      throw misfit(graph, name, `one of ${known.join(', ')}`, 'no such input');
  }
  const sizes = symbolicSizes(inputs, feeds);
  return Object.fromEntries(
    inputs.map((input) => {
      const feed = feeds[input.name];
      if (feed === undefined) throw misfit(graph, input.name, describe(input), 'nothing');
      return [input.name, ortTensor(input, fitRank(input, feed, sizes), graph)];
    }),
  );
}

function symbolicSizes(
  inputs: readonly GraphValue[],
  feeds: Readonly<Record<string, Tensor>>,
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { name, shape } of inputs) {
    const fed = feeds[name]?.shape;
    if (fed?.length !== shape.length || shape.length < 2) continue;
    shape.forEach((size, axis) => {
      if (typeof size === 'string' && size !== '') sizes.set(size, fed[axis]!);
    });
  }
  return sizes;
}

function fitRank(input: GraphValue, feed: Tensor, sizes: ReadonlyMap<string, number>): Tensor {
  if (feed.data.length !== 1 || feed.shape.length > 1 || input.shape.length > 1) return feed;
  if (input.shape.length === 0) return { ...feed, shape: [] };
  const size = input.shape[0]!;
  const length = typeof size === 'number' ? size : (sizes.get(size) ?? 1);
  const data = feed.data.constructor as new (length: number) => typeof feed.data;
  const repeated = new data(length);
  (repeated as Float32Array).fill(feed.data[0] as number);
  return { type: feed.type, shape: [length], data: repeated } as Tensor;
}

function ortTensor(input: GraphValue, feed: Tensor, graph: string): ort.Tensor {
  assert.equal(feed.data.length, elementCount(feed.shape), `feed ${input.name} does not fill it`);
  const fits =
    feed.shape.length === input.shape.length &&
    input.shape.every((size, axis) => typeof size === 'string' || size === feed.shape[axis]);
  if (!fits) throw misfit(graph, input.name, describe(input), describe(feed));
  const shape = [...feed.shape];
  switch (`${feed.type} to ${input.wireType}`) {
    case 'float32 to float32':
    case 'uint8 to uint8':
    case 'int64 to int64':
      return new ort.Tensor(input.wireType, feed.data, shape);
    case 'float16 to float16':
      return halfTensor(feed.data as Uint16Array, shape);
    case 'float32 to float16':
      return halfTensor(halvesFromFloats(feed.data as Float32Array), shape);
    case 'float16 to float32':
      return new ort.Tensor('float32', floatsFromHalves(feed.data as Uint16Array), shape);
    case 'float32 to float64':
      return new ort.Tensor('float64', Float64Array.from(feed.data as Float32Array), shape);
    case 'int64 to int32':
      return new ort.Tensor('int32', Int32Array.from(feed.data as BigInt64Array, Number), shape);
    default:
      throw misfit(graph, input.name, describe(input), describe(feed));
  }
}

/**
 * A float16 tensor over bits. ort.Tensor would wrap them in a Float16Array where there is one, and the native side of
 * onnxruntime-node 1.30 reads that as empty; a tensor of uint16 that calls itself float16 is read as it should be.
 */
function halfTensor(bits: Uint16Array, shape: number[]): ort.Tensor {
  const tensor = new ort.Tensor('uint16', bits, shape);
  return Object.defineProperty(tensor, 'type', { value: 'float16' });
}

/**
 * One output as a stage sees it: floats as float32, integers as int64.
 * @throws internal — it has NaN or infinity
 */
export function tensorFromOrt(output: GraphValue, value: ort.Tensor, graph: string): Tensor {
  const shape = [...value.dims];
  switch (output.wireType) {
    case 'float32':
      return checkedFloats(output.name, shape, value.data as Float32Array, graph);
    case 'float64':
      return checkedFloats(
        output.name,
        shape,
        Float32Array.from(value.data as Float64Array),
        graph,
      );
    case 'float16': {
      // A Float16Array where Node has one, else a Uint16Array; the same bits either way.
      const { buffer, byteOffset, length } = value.data as Uint16Array;
      const bits = new Uint16Array(buffer, byteOffset, length);
      return checkedFloats(output.name, shape, floatsFromHalves(bits), graph);
    }
    case 'int32':
      return { type: 'int64', shape, data: BigInt64Array.from(value.data as Int32Array, BigInt) };
    case 'int64':
      return { type: 'int64', shape, data: value.data as BigInt64Array };
    case 'uint8':
      return { type: 'uint8', shape, data: value.data as Uint8Array };
  }
}

function checkedFloats(name: string, shape: number[], data: Float32Array, graph: string): Tensor {
  if (!isFinite(data)) {
    const bad = data.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
    throw new BivdiffError(
      'internal',
      `graph ${graph}: output ${name} has ${String(bad)} of ${String(data.length)} values NaN or infinite`,
      {
        hint: 'The model or its inputs are out of range: try float32 weights, or other settings.',
        details: { graph, output: name, bad, values: data.length },
      },
    );
  }
  return { type: 'float32', shape, data };
}

/** One pass without branches: v - v is 0 for finite v and NaN for the rest, and NaN sticks to a sum. */
function isFinite(data: Float32Array): boolean {
  let sum = 0;
  for (const value of data) sum += value - value;
  return sum === 0;
}

/** Say `float32 [b, 4, h, w]`. */
export function describe(value: {
  readonly type: string;
  readonly shape: readonly (number | string)[];
}): string {
  return `${value.type} [${value.shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
}

function misfit(graph: string, input: string, expected: string, found: string): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `graph ${graph}: input ${input}: expected ${expected}; found ${found}`,
    { details: { graph, input, expected, found } },
  );
}
