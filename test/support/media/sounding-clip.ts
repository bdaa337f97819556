// A clip of any length with sound, made by the ffmpeg program: no two frames alike, each with its number, and a tone that changes every second.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { ffmpegWords } from './ffmpeg-program.ts';

const SIDE = 64;
export const SOUNDING_RATE = 25;
const NUMBER_BITS = 16;
const BAR = 16;
const SQUARE = 20;

/** 64x64 pixels, H.264 and AAC. Frames go to ffmpeg one by one. */
export async function makeSoundingClip(path: string, frames: number): Promise<void> {
  const tone = `aevalsrc=0.3*sin(2*PI*(200+mod(floor(t)\\,900))*t):s=48000:d=${frames / SOUNDING_RATE}`;
  const program = spawn(
    'ffmpeg',
    ffmpegWords(
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${SIDE}x${SIDE}`],
      ...['-r', String(SOUNDING_RATE), '-i', '-', '-f', 'lavfi', '-i', tone],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', path],
    ),
    { stdio: ['pipe', 'inherit', 'inherit'] },
  );
  const ended = once(program, 'close');
  for (let index = 0; index < frames; index += 1) {
    if (!program.stdin.write(numbered(index))) await once(program.stdin, 'drain');
  }
  program.stdin.end();
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}

/** Its number in black and white at the top, high bit first; below a square that goes from side to side and changes its colour. */
function numbered(index: number): Uint8Array {
  const rgb = new Uint8Array(3 * SIDE * SIDE).fill(100);
  const block = SIDE / NUMBER_BITS;
  for (let y = 0; y < BAR; y += 1) {
    for (let bit = 0; bit < NUMBER_BITS; bit += 1) {
      const at = 3 * (y * SIDE + bit * block);
      rgb.fill((index >> (NUMBER_BITS - 1 - bit)) & 1 ? 235 : 20, at, at + 3 * block);
    }
  }
  const left = (3 * index) % (SIDE - SQUARE);
  for (let y = 2 * BAR; y < 2 * BAR + SQUARE; y += 1) {
    for (let x = left; x < left + SQUARE; x += 1) {
      rgb.set([220, 60, 40 + (index % 150)], 3 * (y * SIDE + x));
    }
  }
  return rgb;
}
