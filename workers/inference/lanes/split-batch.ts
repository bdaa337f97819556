// Runs a batch in pieces, one after the other, where memory is short. Its samples are computed alike and alone, so the bits are those of one run.
// Knows the contracts' convention that a batch has one name in all inputs; nothing of stages.

import { BivdiffError } from '../../../common/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Session } from '../ports.ts';

type Values = Readonly<Record<string, Tensor>>;

/** How many samples the feeds hold; undefined where the graph's inputs have no batch that could be cut. */
export function samplesOf({ inputs }: Pick<Session, 'inputs'>, feeds: Values): number | undefined {
  const name = batchName(inputs);
  if (name === undefined) return undefined;
  // What is of rank 0 or 1 is told to all samples.
  const wide = inputs.filter(({ shape }) => shape.length >= 2);
  if (!wide.every(({ shape }) => shape.includes(name))) return undefined;
  const sizes = wide.map((input) => feeds[input.name]?.shape[input.shape.indexOf(name)]);
  return sizes.every((size) => size === sizes[0]) ? sizes[0] : undefined;
}

export interface Pieces {
  readonly samples: number;
  /** In a piece. */
  readonly samplesMax: number;
}

/** `run` is called with pieces of about one size, and gives outputs whose first axis is the batch. */
export async function runInPieces(
  { inputs }: Pick<Session, 'inputs'>,
  feeds: Values,
  { samples, samplesMax }: Pieces,
  run: (feeds: Values) => Promise<Values>,
): Promise<Values> {
  const count = Math.ceil(samples / samplesMax);
  if (count <= 1) return run(feeds);
  const name = batchName(inputs);
  const axes = Object.fromEntries(inputs.map((input) => [input.name, input.shape.indexOf(name!)]));
  const made: Values[] = [];
  for (let piece = 0; piece < count; piece += 1) {
    const [start, end] = [piece, piece + 1].map((edge) => Math.ceil((edge * samples) / count));
    const cut = Object.entries(feeds).map(([input, tensor]) => {
      const axis = axes[input] ?? -1;
      return [input, axis < 0 ? tensor : sliceAlong(tensor, axis, [start!, end!])] as const;
    });
    made.push(await run(Object.fromEntries(cut)));
  }
  return Object.fromEntries(
    Object.keys(made[0]!).map((output) => [output, joined(made.map((values) => values[output]!))]),
  );
}

/** Of the first axis of the first input that has more than one. */
function batchName(inputs: Session['inputs']): string | undefined {
  const name = inputs.find(({ shape }) => shape.length >= 2)?.shape[0];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function sliceAlong(
  tensor: Tensor,
  axis: number,
  [start, end]: readonly [start: number, end: number],
): Tensor {
  const { shape, data } = tensor;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const [row, cut] = [shape[axis]! * inner, (end - start) * inner];
  const sliced = new (data.constructor as Float32ArrayConstructor)((data.length / row) * cut);
  for (let from = start * inner, to = 0; to < sliced.length; from += row, to += cut) {
    sliced.set(data.subarray(from, from + cut) as Float32Array, to);
  }
  return { ...tensor, shape: shape.with(axis, end - start), data: sliced } as Tensor;
}

/** @throws internal — an output has no first axis */
function joined(parts: readonly Tensor[]): Tensor {
  const [first] = parts as readonly [Tensor, ...Tensor[]];
  if (first.shape.length === 0) {
    throw new BivdiffError('internal', 'an output without a batch cannot be joined');
  }
  const length = parts.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first.data.constructor as Float32ArrayConstructor)(length);
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, at);
    at += part.data.length;
  }
  const batch = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return { ...first, shape: first.shape.with(0, batch), data } as Tensor;
}
