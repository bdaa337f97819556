// A clip of any length, small and quick to make: a square that goes from side to side.

import { createMediaService } from '../../../workers/media/media-service.ts';

const SIDE = 64;
const SQUARE = 20;

/** An mp4 of 64x64 pixels. */
export async function makeClip(path: string, frames: number): Promise<void> {
  await using media = createMediaService();
  const pictures = function* (): Generator<Uint8Array> {
    for (let index = 0; index < frames; index += 1) yield picture(index % (SIDE - SQUARE));
  };
  const size = { width: SIDE, height: SIDE };
  await media.encode({ path, format: 'mp4', framesPerSecond: 25, ...size }, pictures());
}

function picture(left: number): Uint8Array {
  const rgb = new Uint8Array(3 * SIDE * SIDE).fill(230);
  for (let y = SQUARE; y < 2 * SQUARE; y += 1) {
    const start = y * SIDE + left;
    rgb.fill(20, 3 * start, 3 * (start + SQUARE));
  }
  return rgb;
}
