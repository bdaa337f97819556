// A source clip of any length for the benches: a bright square that moves over a dark ground.

import { encodeFrames } from '../workers/media/encode.ts';

const SIDE = 128;

export async function writeClip(path: string, frames: number): Promise<void> {
  await encodeFrames(
    { path, format: 'mp4', width: SIDE, height: SIDE, framesPerSecond: 32 },
    draw(frames),
  );
}

async function* draw(frames: number): AsyncGenerator<Uint8Array> {
  for (let frame = 0; frame < frames; frame += 1) {
    const rgb = new Uint8Array(SIDE * SIDE * 3).fill(40);
    // There and back again, two pixels a frame.
    const travel = SIDE - 48;
    const phase = (frame * 2) % (2 * travel);
    const left = phase < travel ? phase : 2 * travel - phase;
    for (let y = 40; y < 80; y += 1) {
      rgb.fill(220, (y * SIDE + left) * 3, (y * SIDE + left + 40) * 3);
    }
    yield rgb;
  }
}
