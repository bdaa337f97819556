// Between pictures (uint8, NHWC) and what the models see of them (float32, NCHW). Rounds as torch and numpy do, so
// that pictures equal those of diffusers. Knows nothing of models.

import { floatTensor, frameTensor } from '../tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../tensor/tensor.ts';

const CHANNELS = 3;

/** `[frames, height, width, 3]` as the VAE takes it: `[frames, 3, height, width]`, -1..1, by x / 127.5 - 1 in float32. */
export function pixelsFromFrames(frames: FrameTensor): FloatTensor {
  return planesFromFrames(frames, (level) => Math.fround(level / 127.5) - 1);
}

/** `[frames, height, width, 3]` as ControlNets take it: `[frames, channels, height, width]`, 0..1; of 1 channel the first. */
export function conditionsFromFrames(frames: FrameTensor, channels = CHANNELS): FloatTensor {
  return planesFromFrames(frames, (level) => level / 255, channels);
}

/**
 * The VAE's output `[frames, 3, height, width]`, about -1..1, as `[frames, height, width, 3]`: x / 2 + 0.5, clamped to
 * 0..1, times 255, rounded half to even; each operation in float32 (diffusers, image_processor.py).
 */
export function framesFromPixels(pixels: FloatTensor): FrameTensor {
  const [count = 0, , height = 0, width = 0] = pixels.shape;
  const frames = frameTensor([count, height, width, CHANNELS]);
  const plane = height * width;
  for (let frame = 0; frame < count; frame += 1) {
    for (let channel = 0; channel < CHANNELS; channel += 1) {
      const from = (frame * CHANNELS + channel) * plane;
      const to = frame * CHANNELS * plane + channel;
      for (let i = 0; i < plane; i += 1) {
        frames.data[to + i * CHANNELS] = levelOf(pixels.data[from + i]!);
      }
    }
  }
  return frames;
}

function levelOf(value: number): number {
  const share = Math.min(1, Math.max(0, Math.fround(value / 2 + 0.5)));
  return roundHalfToEven(Math.fround(share * 255));
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function planesFromFrames(
  frames: FrameTensor,
  convert: (level: number) => number,
  channels = CHANNELS,
): FloatTensor {
  const [count = 0, height = 0, width = 0] = frames.shape;
  const values = Float32Array.from({ length: 256 }, (_, level) => convert(level));
  const planes = floatTensor([count, channels, height, width]);
  const plane = height * width;
  for (let frame = 0; frame < count; frame += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const from = frame * CHANNELS * plane + channel;
      const to = (frame * channels + channel) * plane;
      for (let i = 0; i < plane; i += 1) {
        planes.data[to + i] = values[frames.data[from + i * CHANNELS]!]!;
      }
    }
  }
  return planes;
}
