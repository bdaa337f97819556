// What fault tests render, and what must come out of it.

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { endOfCli, startCli } from './cli-process.ts';

const root = join(import.meta.dirname, '../..');

/** What every fault test renders: small, and every stage of the pipeline is in it. */
export const JOB_FLAGS: readonly string[] = [
  ...['--task', 'controlnet', '--control', 'canny'],
  ...['--input', join(root, 'examples/source.mp4'), '--frames', '16', '--stride', '1'],
  ...['--frame-batch', '2', '--steps', '3', '--mixing-ratio', '0.5', '--seed', '7'],
  // Each window is one task of many steps.
  ...['--long', 'independent'],
  ...['--prompt', 'a green star moving right on a white background'],
];

/** The same in a quarter of the pixels, for tests that have nothing to break in the middle of a task. */
export const SMALL_JOB: readonly string[] = [...JOB_FLAGS, '--size', '64x64'];

/** SHA-256 of the video that an undisturbed single-process `render` makes of these flags. */
export async function referenceOf(flags: readonly string[] = JOB_FLAGS): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-reference-'));
  try {
    const output = join(folder, 'reference.mp4');
    const places = ['--store', join(folder, 'store'), '--output', output];
    const run = await endOfCli(startCli(['render', ...flags, ...places, '--quiet']));
    if (run.code !== 0) throw new Error(`the reference was not rendered: ${run.stderr}`);
    return await sha256Of(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
