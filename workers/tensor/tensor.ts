// Plain dense tensors: what stages pass to each other and to ONNX Runtime. Knows nothing of files,
// models or threads.

import assert from 'node:assert/strict';

interface TensorDataByType {
  readonly float32: Float32Array;
  /** IEEE half precision, as bits. */
  readonly float16: Uint16Array;
  readonly uint8: Uint8Array;
  readonly int64: BigInt64Array;
}

export type TensorType = keyof TensorDataByType;

/** A dense row-major tensor. `data.length` is the product of `shape`. */
export interface TensorOf<T extends TensorType> {
  readonly type: T;
  readonly shape: readonly number[];
  readonly data: TensorDataByType[T];
}

/**
 * Any tensor. By convention:
 * - frames: uint8 `[frames, height, width, 3]`, NHWC RGB, 0..255; control images likewise, 0 or 255
 * - latents: float32 `[frames, channels, height/8, width/8]`, NCHW, scaled by the VAE's scaling_factor
 * - joints: float32 `[frames, joints, 3]`, x and y in pixels and the score
 * - video latents as the video UNet sees them: float32 `[1, channels, frames, height/8, width/8]`
 */
export type Tensor = { [T in TensorType]: TensorOf<T> }[TensorType];
export type FloatTensor = TensorOf<'float32'>;
export type FrameTensor = TensorOf<'uint8'>;

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function floatTensor(shape: readonly number[], data?: Float32Array): FloatTensor {
  const values = data ?? new Float32Array(elementCount(shape));
  assert.equal(
    values.length,
    elementCount(shape),
    `data does not fill shape [${shape.join(', ')}]`,
  );
  return { type: 'float32', shape, data: values };
}

export function frameTensor(shape: readonly number[], data?: Uint8Array): FrameTensor {
  const values = data ?? new Uint8Array(elementCount(shape));
  assert.equal(
    values.length,
    elementCount(shape),
    `data does not fill shape [${shape.join(', ')}]`,
  );
  return { type: 'uint8', shape, data: values };
}
