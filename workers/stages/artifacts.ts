// Between the store's bytes and a stage's tensors: gathers the slices that a task reads, and stores what it made.

import assert from 'node:assert/strict';

import type { HeldResult } from '../../common/bus/ports.ts';
import { digestLongBytes } from '../../common/digest.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ArtifactRef, InputPart, ResultRecord, TaskId } from '../../common/task.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { BusyClock } from './busy-clock.ts';
import type { TensorPeers } from './ports.ts';
import { decodeAlpha, decodePng, encodePng } from '../media/pixels/png.ts';
import type { RgbImage } from '../media/media-types.ts';
import { elementCount, floatTensor, frameTensor } from '../tensor/tensor.ts';
import type { FloatTensor, FrameTensor, Tensor } from '../tensor/tensor.ts';

/** Pictures, or parts of a tensor, read or written at once. */
const AT_ONCE = 8;
/** Lost tasks that an error names: a failure's details are cut at some kilobytes. */
const LOST_TOLD_MAX = 32;

/** The store, and the clock that counts time spent packing and unpacking pictures. */
export interface ArtifactAccess {
  readonly store: Store;
  /** Asked for tensors before the store is. @default nobody */
  readonly peers?: TensorPeers | undefined;
  /** Results that only workers have. @default none */
  readonly held?: Readonly<Record<TaskId, HeldResult>> | undefined;
  readonly codecs: BusyClock;
}

/** A picture and the task that made it. */
export type PictureRef = ArtifactRef & { readonly task: TaskId };

/** The pictures of some parts as references, in frame order; nothing is read. @throws data-loss — a record is missing */
export async function resolvePictures(
  store: Store,
  parts: readonly InputPart[],
): Promise<readonly PictureRef[]> {
  const refs: PictureRef[] = [];
  const records = new Map<TaskId, ResultRecord>();
  for (const part of parts) {
    const record = records.get(part.task) ?? (await requireRecord(store, part.task));
    records.set(part.task, record);
    const all = outputOf(record, part);
    for (const ref of all.slice(part.offset, part.offset + part.count)) {
      refs.push({ ...ref, task: part.task });
    }
  }
  return refs;
}

/** Reads one picture. @throws data-loss — with the task that made it in `lostTasks` */
export async function readPicture(
  { store, codecs }: ArtifactAccess,
  ref: PictureRef,
): Promise<RgbImage> {
  const bytes = await readOrReport(store, ref, ref.task);
  return codecs.during(() => decodePng(bytes));
}

/** The alpha of one picture, a byte a pixel. @throws data-loss — with the task that made it in `lostTasks` */
export async function readAlpha(
  { store, codecs }: ArtifactAccess,
  ref: PictureRef,
): Promise<Uint8Array> {
  const bytes = await readOrReport(store, ref, ref.task);
  return codecs.during(() => decodeAlpha(bytes));
}

/** Reads what an input is made of, as one tensor with the frames along the first axis. @throws data-loss */
export async function gatherInput(
  access: ArtifactAccess,
  parts: readonly InputPart[],
): Promise<Tensor> {
  const first = parts[0];
  if (first === undefined) throw new BivdiffError('internal', 'an input of the task has no parts');
  const record = access.held?.[first.task] ?? (await requireRecord(access.store, first.task));
  const isTensor = outputOf(record, first)[0]?.type === 'tensor/float32';
  return isTensor ? gatherFloats(access, parts) : gatherPictures(access, parts);
}

async function gatherFloats(
  access: ArtifactAccess,
  parts: readonly InputPart[],
): Promise<FloatTensor> {
  const slices = new Array<Float32Array>(parts.length);
  let perFrame: readonly number[] = [];
  const lost: TaskId[] = [];
  const sources = Map.groupBy(parts.keys(), (index) => {
    return `${parts[index]!.task} ${parts[index]!.output}`;
  });
  // However many slices of it are read, a tensor is fetched once, and let go of when they are cut.
  await forEachBounded([...sources.values()], async (indices) => {
    const part = parts[indices[0]!]!;
    const found = await readTensor(access, part);
    if (found === undefined) {
      lost.push(part.task);
      return;
    }
    perFrame = found.perFrame;
    const size = elementCount(perFrame);
    for (const index of indices) {
      const { offset, count } = parts[index]!;
      const slice = found.values.subarray(offset * size, (offset + count) * size);
      slices[index] = indices.length === 1 ? slice : slice.slice();
    }
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

/** The whole tensor that a part is of. Undefined if only a worker had it, and it is lost. @throws data-loss — the store has lost it */
async function readTensor(
  { store, peers, held }: ArtifactAccess,
  part: InputPart,
): Promise<{ readonly values: Float32Array; readonly perFrame: readonly number[] } | undefined> {
  const kept = held?.[part.task];
  const ofHolder = kept && tensorRef(kept, part);
  const bytes = ofHolder && (await peers?.readHeld?.(ofHolder, kept.worker));
  if (bytes !== undefined) return { values: floatsOf(bytes), perFrame: ofHolder!.shape!.slice(1) };
  // Lost, and made and stored since.
  const record = kept ? await store.getRecord(part.task) : await requireRecord(store, part.task);
  if (record === undefined) return undefined;
  const ref = tensorRef(record, part);
  const stored =
    (await peers?.read(ref, record.worker)) ?? (await readOrReport(store, ref, part.task));
  return { values: floatsOf(stored), perFrame: ref.shape!.slice(1) };
}

function tensorRef(record: Pick<ResultRecord, 'outputs'>, part: InputPart): ArtifactRef {
  const ref = outputOf(record, part)[0];
  if (ref?.shape === undefined) throw malformed(part);
  return ref;
}

async function gatherPictures(
  access: ArtifactAccess,
  parts: readonly InputPart[],
): Promise<FrameTensor> {
  const refs = await resolvePictures(access.store, parts);
  const [height = 0, width = 0] = refs[0]?.shape ?? [];
  const size = height * width * 3;
  const joined = new Uint8Array(refs.length * size);
  await forEachBounded(refs, async (ref, frame) => {
    joined.set((await readPicture(access, ref)).rgb, frame * size);
  });
  return frameTensor([refs.length, height, width, 3], joined);
}

/**
 * Stores a stage's output: float32 as one artifact, uint8 frames as one PNG each, a one-dimensional uint8
 * tensor as JSON text.
 */
export async function storeOutput(
  access: ArtifactAccess,
  tensor: Tensor,
): Promise<readonly ArtifactRef[]> {
  const { store, peers } = access;
  if (tensor.type === 'float32') {
    const bytes = new Uint8Array(
      tensor.data.buffer,
      tensor.data.byteOffset,
      tensor.data.byteLength,
    );
    const digest = await store.putArtifact(bytes);
    peers?.keep(digest, bytes);
    return [{ digest, bytes: bytes.length, type: 'tensor/float32', shape: tensor.shape }];
  }
  if (tensor.type === 'uint8' && tensor.shape.length === 1) {
    const digest = await store.putArtifact(tensor.data);
    return [{ digest, bytes: tensor.data.length, type: 'application/json' }];
  }
  if (tensor.type === 'uint8' && tensor.shape.length === 4) return storePictures(access, tensor);
  throw new BivdiffError(
    'internal',
    `a stage made ${tensor.type} [${tensor.shape.join(', ')}], which no artifact type fits`,
  );
}

/** Keeps a stage's outputs, all float32, with this worker, past the store. */
export async function holdOutputs(
  outputs: Readonly<Record<string, Tensor>>,
  hold: NonNullable<TensorPeers['hold']>,
): Promise<Record<string, readonly ArtifactRef[]>> {
  const refs: Record<string, readonly ArtifactRef[]> = {};
  for (const [name, { type, data, shape }] of Object.entries(outputs)) {
    assert.equal(type, 'float32', `${name} is no tensor that could be held`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const digest = await digestLongBytes(bytes);
    hold(digest, bytes);
    refs[name] = [{ digest, bytes: bytes.length, type: 'tensor/float32', shape }];
  }
  return refs;
}

async function storePictures(
  access: ArtifactAccess,
  frames: FrameTensor,
): Promise<readonly ArtifactRef[]> {
  const [count = 0, height = 0, width = 0] = frames.shape;
  const size = height * width * 3;
  const refs = new Array<ArtifactRef>(count);
  await forEachBounded(refs, async (_, frame) => {
    const rgb = frames.data.subarray(frame * size, (frame + 1) * size);
    refs[frame] = await storePicture(access, { rgb, width, height });
  });
  return refs;
}

export async function storePicture(
  { store, codecs }: ArtifactAccess,
  picture: RgbImage,
): Promise<ArtifactRef> {
  const bytes = await codecs.during(() => encodePng(picture));
  const digest = await store.putArtifact(bytes);
  return {
    digest,
    bytes: bytes.length,
    type: 'image/png',
    shape: [picture.height, picture.width, picture.channels ?? 3],
  };
}

async function requireRecord(store: Store, taskId: TaskId): Promise<ResultRecord> {
  const record = await store.getRecord(taskId);
  if (record !== undefined) return record;
  throw new BivdiffError(
    'data-loss',
    `the result of task ${taskId.slice(0, 12)} is not in the store any more`,
    { details: { lostTasks: [taskId], unrecorded: true } },
  );
}

async function readOrReport(store: Store, ref: ArtifactRef, taskId: TaskId): Promise<Uint8Array> {
  try {
    return await store.getArtifact(ref.digest);
  } catch (reason) {
    const error = BivdiffError.from(reason);
    if (error.code !== 'data-loss') throw error;
    throw new BivdiffError('data-loss', error.message, {
      cause: error,
      details: { ...error.details, lostTasks: [taskId] },
    });
  }
}

function outputOf(record: Pick<ResultRecord, 'outputs'>, part: InputPart): readonly ArtifactRef[] {
  const output = record.outputs[part.output];
  if (output === undefined) throw malformed(part);
  return output;
}

function malformed(part: InputPart): BivdiffError {
  return new BivdiffError(
    'data-loss',
    `the record of task ${part.task.slice(0, 12)} has no usable output ${part.output}`,
    { details: { lostTasks: [part.task] } },
  );
}

/** Aligned floats: bytes from the store may begin anywhere in their buffer. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0) {
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }
  return new Float32Array(bytes.slice().buffer);
}

async function forEachBounded<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
}
