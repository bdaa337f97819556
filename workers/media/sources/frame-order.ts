// Where decoding has to begin for a frame, by what the packets have told. Pure.

import type { VideoIndex } from './video-index.ts';

type Order = Pick<VideoIndex, 'shown' | 'keys' | 'interlaced'>;

/**
 * The last key packet whose picture is not shown after this frame (after the one before it, where that takes part in its pixels);
 * undefined: the file's beginning.
 */
export function keyBefore({ shown, keys, interlaced }: Order, frame: number): number | undefined {
  if (shown === undefined) return undefined;
  const pts = shown[Math.max(0, frame - (interlaced ? 1 : 0))]!;
  const key = keys.findLastIndex((packet) => packet.pts <= pts);
  return key < 0 ? undefined : key;
}

/** The first frame that is shown no earlier than a key packet's picture. */
export function frameOfKey({ shown, keys }: Order, key: number | undefined): number {
  if (shown === undefined || key === undefined) return 0;
  return firstNotBefore(shown, keys[key]!.pts);
}

/** A jump costs about as much as a few frames: opening the file, seeking, filling the decoder. */
const JUMP_FRAMES = 24;

/** Whether a decoder that has given frame `position` should go on to `frame`, or one had better begin at a later key packet. */
export function goesOn(order: Order, position: number, frame: number): boolean {
  if (frame <= position) return false;
  return frameOfKey(order, keyBefore(order, frame)) - position < JUMP_FRAMES;
}

/** Pictures that are renewed bit by bit (intra refresh) are whole only some key packets later. */
const KEYS_BACK = 3;

/** Where to begin for a frame, one try after the other: its key packet, some before it, at last the beginning of the file. */
export function beginnings(order: Order, frame: number): readonly (number | undefined)[] {
  const key = keyBefore(order, frame);
  if (key === undefined) return [undefined];
  const tried = Array.from({ length: Math.min(KEYS_BACK, key) + 1 }, (_, back) => key - back);
  return [...tried, undefined];
}

/** The place of the first of the ascending values that is not below `limit`. */
function firstNotBefore(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
