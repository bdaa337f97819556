// A folder of its own for each test of the command line, and the runs that they share: the real program, the tiny
// models, the example clip.

import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { TINY_SET } from '../../support/models/paths.ts';

const root = join(import.meta.dirname, '../../..');

export const MAIN = join(root, 'cli/main.ts');
export const SOURCE = join(root, 'examples/source.mp4');
/** Of what moves in it, and a little around. */
export const MASK = join(root, 'examples/mask.mp4');
export const FIXTURES = join(root, 'test/support/media/fixtures');

export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  path(...names: string[]): string;
  /** Names in the folder below `out`, also hidden ones; none if it is not there. */
  outputs(): Promise<readonly string[]>;
}

export async function createWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-cli-'));
  const path = (...names: string[]): string => join(folder, ...names);
  return {
    folder,
    path,
    outputs: async () =>
      (await readdir(path('out'), { recursive: true }).catch((): string[] => [])).sort(),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs `bivdiff` to its end. */
export async function bivdiff(...words: readonly string[]): Promise<CliRun> {
  return endOfCli(startCli(words));
}

/** What `--json` printed. */
export function jsonOf<T>(run: CliRun): T {
  return JSON.parse(run.stdout) as T;
}

/** Flags of a render with the tiny models: 4 frames of 64x32, 2 steps, into the workplace's own store. */
export function tinyFlags(
  place: Workplace,
  changes: Readonly<Record<string, string>> = {},
): string[] {
  const flags: Record<string, string> = {
    task: 'controlnet',
    control: 'canny',
    input: SOURCE,
    prompt: 'a red square',
    models: TINY_SET,
    frames: '4',
    steps: '2',
    'frame-batch': '2',
    'mixing-ratio': '0.5',
    store: place.path('store'),
    ...changes,
  };
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A copy of the tiny models to damage. */
export async function copyTinyModels(place: Workplace): Promise<string> {
  const folder = place.path('models');
  await cp(TINY_SET, folder, { recursive: true });
  return folder;
}

/** Puts a NaN into a file of weights: the last float16 of a safetensors file, whose tensors come last. */
export async function poisonWeights(path: string): Promise<void> {
  const bytes = await readFile(path);
  const FLOAT16_NAN = 0x7e00;
  bytes.writeUInt16LE(FLOAT16_NAN, bytes.length - 2);
  await writeFile(path, bytes);
}

/** One error and no more, with nothing on stdout and no stack. */
export function expectOneError(run: CliRun, message: string | RegExp, code = 2): void {
  expect(run.code, run.stderr).toBe(code);
  expect(run.stdout).toBe('');
  expect(run.stderr).toMatch(message);
  expect(run.stderr.match(/^error: /gm), run.stderr).toHaveLength(1);
  expect(run.stderr).not.toMatch(/^\s+at /m);
}
