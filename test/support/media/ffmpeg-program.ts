// The ffmpeg program, for tests that hold ours against it.

import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

import { expect } from 'vitest';

/** Fails where there is none. */
export function requireFfmpeg(): void {
  const { status } = spawnSync('ffmpeg', ['-version']);
  expect(status, 'there is no ffmpeg on the PATH: apt-get install ffmpeg').toBe(0);
}

/** Says nothing but errors, and writes the same bytes each time. */
export function ffmpegWords(...words: readonly string[]): string[] {
  return ['-v', 'error', '-y', ...words.slice(0, -1), '-fflags', '+bitexact', words.at(-1)!];
}

/** What its own scaler does when it is asked to be exact: as the conversion that docs/media.md tells of. */
const TO_RGB = 'scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';

/** MD5 of each frame's RGB, 8 bits a value, in the order in which they are shown. */
export async function framesByFfmpeg(path: string): Promise<readonly string[]> {
  const words = ['-v', 'error', '-i', path, '-map', '0:v', '-vf', `${TO_RGB},format=rgb24`];
  const all = [...words, '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const program = spawn('ffmpeg', all, { stdio: ['ignore', 'pipe', 'inherit'] });
  const digests: string[] = [];
  for await (const line of createInterface({ input: program.stdout })) {
    // The last column of its table.
    if (!line.startsWith('#')) digests.push(line.slice(line.lastIndexOf(',') + 1).trim());
  }
  return digests;
}
