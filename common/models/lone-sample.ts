// Whether the bits of a sample that is alone in its batch may depend on the number of threads, from the config of its graph: then it is run as two, and takes
// the memory of two. What is behind it, and the running: workers/inference/lanes/lone-sample.ts. Pure.

import type { JsonObject } from '../task.ts';

/** Pixels that ONNX Runtime's CPU convolutions want in a piece: with as many or fewer they group their sums otherwise. */
const SHORT_PIECE = 64;
/** Pieces begin at multiples of it. */
const PIECE_ALIGNMENT = 16;
/** Columns of a product with the text. */
const TOKENS = 77;
/** Of Stable Diffusion's models, where the config does not say. */
const HALVINGS_DEFAULT = 3;
/** From a ControlNet's pictures to latents. */
const CONDITION_HALVINGS = 3;

export interface LoneSample {
  /** Of the map that is convolved first, of all frames. */
  readonly pixels: number;
  /** Whether maps are halved from there on, once between two blocks. */
  readonly isHalved: boolean;
  /** Of a clip. */
  readonly frames: number;
  readonly threads: number;
}

/**
 * Up to that many threads: where a thread's piece of some map is short, or a map has fewer pixels than channels or tokens, so that the products of
 * attention are cut along those.
 */
export function loneSampleNeedsPair(
  config: JsonObject,
  { pixels, isHalved, frames, threads }: LoneSample,
): boolean {
  if (threads === 1) return false;
  // A clip of several frames is a lone sample to no convolution where our export has done the temporal ones row by row, since the
  // spatial ones see each frame.
  if (frames > 1 && config['rowwise_temporal_convs'] === true) return false;
  const blocks = Array.isArray(config['block_out_channels']) ? config['block_out_channels'] : [];
  const halvings = blocks.length === 0 ? HALVINGS_DEFAULT : blocks.length - 1;
  const smallest = pixels / (isHalved ? 4 ** halvings : 1);
  if (smallest < Math.max(TOKENS, ...blocks.map(Number))) return true;
  const levels = Array.from({ length: halvings + CONDITION_HALVINGS + 1 }, (_, level) => level);
  return levels.some((level) => hasShortPiece(smallest * 4 ** level, threads));
}

/** Of a map cut for that many threads, or for fewer: little work is not cut for all. */
function hasShortPiece(pixels: number, threads: number): boolean {
  for (let pieces = 2; pieces <= threads; pieces += 1) {
    const length = PIECE_ALIGNMENT * Math.ceil(pixels / pieces / PIECE_ALIGNMENT);
    const last = pixels % length === 0 ? length : pixels % length;
    if (length < pixels && Math.min(length, last) <= SHORT_PIECE) return true;
  }
  return pixels <= SHORT_PIECE;
}
