// Between the store's bytes and a stage's tensors: gathers the slices that a task reads, and stores what it made.

import type { Store } from '../../common/store/ports.ts';
import type { ArtifactRef, InputPart, ResultRecord, TaskId } from '../../common/task.ts';
import { BivdiffError } from '../../common/errors.ts';
import { gatherFloats } from './float-tensors.ts';
import { forEachBounded, outputOf, readOrReport, requireRecord } from './results.ts';
import type { ArtifactAccess } from './results.ts';
import { decodeAlpha, decodePng, encodePng } from '../media/pixels/png.ts';
import type { RgbImage } from '../media/media-types.ts';
import { frameTensor } from '../tensor/tensor.ts';
import type { FrameTensor, Tensor } from '../tensor/tensor.ts';

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
