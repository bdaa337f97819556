// Tensors of float32 that tasks read and make: gathered from workers that hold them, from workers that made them, or from the store.

import assert from 'node:assert/strict';

import { BivdiffError } from '../../common/errors.ts';
import type { ArtifactRef, InputPart, ResultRecord, TaskId } from '../../common/task.ts';
import { elementCount, floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../tensor/tensor.ts';
import type { TensorPeers } from './ports.ts';
import {
  forEachBounded,
  malformedResult,
  outputOf,
  readOrReport,
  requireRecord,
} from './results.ts';
import type { ArtifactAccess } from './results.ts';

/** Lost tasks that an error names: a failure's details are cut at some kilobytes. */
const LOST_TOLD_MAX = 32;

/** Parts that one output of one task gives. */
type Source = readonly [InputPart, ...InputPart[]];

interface Found {
  /** Of each part. */
  readonly slices: readonly Float32Array[];
  readonly perFrame: readonly number[];
}

/** One tensor of the parts, one after the other. @throws data-loss */
export async function gatherFloats(
  access: ArtifactAccess,
  parts: readonly InputPart[],
): Promise<FloatTensor> {
  const slices = new Array<Float32Array>(parts.length);
  let perFrame: readonly number[] = [];
  const lost: TaskId[] = [];
  const sources = Map.groupBy(parts.keys(), (index) => {
    return `${parts[index]!.task} ${parts[index]!.output}`;
  });
  // However many slices of it are read, a tensor is asked for once.
  await forEachBounded([...sources.values()], async (indices) => {
    const source = indices.map((index) => parts[index]!) as [InputPart, ...InputPart[]];
    const found = await readSlices(access, source);
    if (found === undefined) {
      lost.push(source[0].task);
      return;
    }
    perFrame = found.perFrame;
    for (const [i, index] of indices.entries()) slices[index] = found.slices[i]!;
  });
  if (lost.length > 0) {
    // As many as an event has room to name; the others are found when these are there.
    const lostTasks = lost.sort().slice(0, LOST_TOLD_MAX);
    throw new BivdiffError('data-loss', 'results that only workers had are lost with them', {
      details: { lostTasks, held: true },
    });
  }
  const joined = new Float32Array(slices.reduce((sum, slice) => sum + slice.length, 0));
  let offset = 0;
  for (const slice of slices) {
    joined.set(slice, offset);
    offset += slice.length;
  }
  const frames = parts.reduce((sum, part) => sum + part.count, 0);
  return floatTensor([frames, ...perFrame], joined);
}

/** Undefined if only a worker had them, and they are lost. @throws data-loss — the store has lost them */
async function readSlices(access: ArtifactAccess, source: Source): Promise<Found | undefined> {
  const { store, peers, held } = access;
  const [part] = source;
  const kept = held?.[part.task];
  const ofHolder = kept && tensorRef(kept, part);
  const bytes = ofHolder && (await peers?.readHeld?.(ofHolder, kept.worker, source));
  if (bytes !== undefined) {
    return { slices: bytes.map(floatsOf), perFrame: ofHolder!.shape!.slice(1) };
  }
  // It was stored besides, or is lost, or was made and stored since.
  const record = kept ? await store.getRecord(part.task) : await requireRecord(store, part.task);
  if (record === undefined) return undefined;
  const ref = tensorRef(record, part);
  const stored =
    (await peers?.read(ref, record.worker)) ?? (await readOrReport(store, ref, part.task));
  const values = floatsOf(stored);
  const perFrame = ref.shape!.slice(1);
  const size = elementCount(perFrame);
  const slices = source.map(({ offset, count }) => {
    const slice = values.subarray(offset * size, (offset + count) * size);
    // What is not read of it is let go of.
    return source.length === 1 ? slice : slice.slice();
  });
  return { slices, perFrame };
}

function tensorRef(record: Pick<ResultRecord, 'outputs'>, part: InputPart): ArtifactRef {
  const ref = outputOf(record, part)[0];
  if (ref?.shape === undefined) throw malformedResult(part);
  return ref;
}

/** Keeps a stage's outputs, all float32 with frames first, with this worker. The digests are those of `hold`. */
export async function holdOutputs(
  outputs: Readonly<Record<string, Tensor>>,
  hold: NonNullable<TensorPeers['hold']>,
): Promise<Record<string, readonly ArtifactRef[]>> {
  const refs: Record<string, readonly ArtifactRef[]> = {};
  for (const [name, { type, data, shape }] of Object.entries(outputs)) {
    assert.equal(type, 'float32', `${name} is no tensor that could be held`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const digest = await hold(bytes, shape[0]!);
    refs[name] = [{ digest, bytes: bytes.length, type: 'tensor/float32', shape }];
  }
  return refs;
}

/** Aligned floats: bytes from the store may begin anywhere in their buffer. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0) {
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }
  return new Float32Array(bytes.slice().buffer);
}
