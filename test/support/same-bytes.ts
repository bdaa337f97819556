// The checks that one job gives the same bytes whatever happens to it, shared by the short run (few steps) and the long one.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'vitest';

import { endOfCli, startCli } from './cli-process.ts';

const root = join(import.meta.dirname, '../..');

export interface JobFlags {
  readonly frames: number;
  readonly steps: number;
  readonly frameBatch: number;
}

export interface RenderJson {
  readonly sha256: string;
  readonly tasks: { readonly run: number; readonly reused: number };
}

/** The flags of a render into a folder, without slots. */
export function renderFlags(folder: string, name: string, job: JobFlags): string[] {
  return [
    ...['render', '--json', '--quiet', '--task', 'controlnet', '--control', 'canny'],
    ...[
      '--input',
      join(root, 'examples/source.mp4'),
      '--frames',
      String(job.frames),
      '--stride',
      '1',
    ],
    ...[
      '--frame-batch',
      String(job.frameBatch),
      '--steps',
      String(job.steps),
      '--mixing-ratio',
      '0.5',
      '--seed',
      '7',
      '--threads',
      '1',
    ],
    ...['--prompt', 'a green star moving right on a white background'],
    ...['--store', join(folder, `${name}-store`), '--output', join(folder, `${name}.mp4`)],
  ];
}

/** Renders to the end and gives what `--json` printed. */
export async function renderJson(flags: readonly string[]): Promise<RenderJson> {
  const run = await endOfCli(startCli(flags));
  expect(run.stderr, run.stderr).not.toContain('error');
  expect(run.code).toBe(0);
  return JSON.parse(run.stdout) as RenderJson;
}

/** Number of result records in a store. */
export async function countRecords(store: string): Promise<number> {
  const entries = await readdir(join(store, 'records'), { recursive: true }).catch(() => []);
  return entries.filter((name) => name.endsWith('.json')).length;
}

/**
 * Starts a render and kills it (SIGKILL) as soon as it has committed `more` results. Gives whether it was killed before it
 * ended by itself.
 */
export async function killAfterCommits(
  flags: readonly string[],
  options: { readonly store: string; readonly more: number },
): Promise<boolean> {
  const before = await countRecords(options.store);
  const child = startCli(flags);
  const end = endOfCli(child);
  while (child.exitCode === null && (await countRecords(options.store)) < before + options.more) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill('SIGKILL');
  return (await end).signal === 'SIGKILL';
}
