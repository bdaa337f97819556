// The two layouts of latents, as frames and as a clip, and the ways of joining tensors along their first axis.
// Knows nothing of models.

import assert from 'node:assert/strict';

import { elementCount, floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';

/** `[frames, channels, h, w]` as the video UNet sees them: `[1, channels, frames, h, w]`. A copy. */
export function clipFromFrames(latents: FloatTensor): FloatTensor {
  const [frames, channels, height, width] = sizesOf(latents, 4);
  const shape = [1, channels!, frames!, height!, width!];
  return floatTensor(shape, swapOuterAxes(latents.data, frames!, channels!));
}

/** `[1, channels, frames, h, w]` back as `[frames, channels, h, w]`. A copy. */
export function framesFromClip(clip: FloatTensor): FloatTensor {
  const [batch, channels, frames, height, width] = sizesOf(clip, 5);
  assert.equal(batch, 1, 'a clip is a batch of one');
  const shape = [frames!, channels!, height!, width!];
  return floatTensor(shape, swapOuterAxes(clip.data, channels!, frames!));
}

/** The whole tensor `times` times, one after the other, along the first axis. */
export function repeatBatch(tensor: FloatTensor, times: number): FloatTensor {
  if (times === 1) return tensor;
  const [first, ...rest] = tensor.shape;
  assert(first !== undefined, 'only a tensor with an axis can be repeated along it');
  const repeated = floatTensor([first * times, ...rest]);
  for (let i = 0; i < times; i += 1) repeated.data.set(tensor.data, i * tensor.data.length);
  return repeated;
}

/** Tensors that differ at most in their first axis, joined along it. */
export function joinBatches(tensors: readonly FloatTensor[]): FloatTensor {
  const [first] = tensors;
  assert(first !== undefined, 'there is nothing to join');
  if (tensors.length === 1) return first;
  const [, ...rest] = first.shape;
  const count = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const joined = floatTensor([count, ...rest]);
  let offset = 0;
  for (const { data } of tensors) {
    joined.data.set(data, offset);
    offset += data.length;
  }
  return joined;
}

/** Tensors `[batch, channels, ...]` that differ at most in their channels, joined along them. */
export function joinChannels(tensors: readonly FloatTensor[]): FloatTensor {
  const [first] = tensors;
  assert(first !== undefined, 'there is nothing to join');
  const [batch = 0, , ...rest] = first.shape;
  for (const { shape } of tensors) {
    assert.deepEqual(
      [shape[0], ...shape.slice(2)],
      [batch, ...rest],
      'they differ in more than channels',
    );
  }
  const channels = tensors.reduce((sum, { shape }) => sum + shape[1]!, 0);
  const joined = floatTensor([batch, channels, ...rest]);
  let offset = 0;
  for (let entry = 0; entry < batch; entry += 1) {
    for (const { data } of tensors) {
      const size = data.length / batch;
      joined.data.set(data.subarray(entry * size, (entry + 1) * size), offset);
      offset += size;
    }
  }
  return joined;
}

/** A view of entries `start` to `end`, the end left out, of the first axis. */
export function sliceBatch(tensor: FloatTensor, start: number, end: number): FloatTensor {
  const [, ...rest] = tensor.shape;
  const size = elementCount(rest);
  return floatTensor([end - start, ...rest], tensor.data.subarray(start * size, end * size));
}

/** Chosen entries of the first axis, in this order: the tensor itself if they are all, in order. */
export function pickBatch(tensor: FloatTensor, entries: readonly number[]): FloatTensor {
  const [count, ...rest] = tensor.shape;
  if (entries.length === count && entries.every((entry, i) => entry === i)) return tensor;
  const picked = floatTensor([entries.length, ...rest]);
  const size = elementCount(rest);
  for (const [i, entry] of entries.entries()) {
    picked.data.set(tensor.data.subarray(entry * size, (entry + 1) * size), i * size);
  }
  return picked;
}

/** What `pickBatch` took apart, together again: `entries` of each part. */
export function scatterBatch(
  parts: readonly FloatTensor[],
  entries: readonly (readonly number[])[],
): FloatTensor {
  const [first] = parts;
  assert(first !== undefined, 'there is nothing to join');
  if (parts.length === 1) return first;
  const [, ...rest] = first.shape;
  const size = elementCount(rest);
  const whole = floatTensor([entries.flat().length, ...rest]);
  for (const [part, { data }] of parts.entries()) {
    for (const [i, entry] of entries[part]!.entries()) {
      whole.data.set(data.subarray(i * size, (i + 1) * size), entry * size);
    }
  }
  return whole;
}

function sizesOf({ shape }: FloatTensor, rank: number): readonly number[] {
  assert.equal(shape.length, rank, `expected rank ${rank}; found [${shape.join(', ')}]`);
  return shape;
}

/** `[outer, inner, rest]` as `[inner, outer, rest]`. */
function swapOuterAxes(data: Float32Array, outer: number, inner: number): Float32Array {
  const swapped = new Float32Array(data.length);
  const size = data.length / (outer * inner);
  for (let i = 0; i < outer; i += 1) {
    for (let j = 0; j < inner; j += 1) {
      const from = (i * inner + j) * size;
      swapped.set(data.subarray(from, from + size), (j * outer + i) * size);
    }
  }
  return swapped;
}
