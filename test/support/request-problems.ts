// For tests of what is wrong with requests: a folder with good and bad files, the command line in this process, and problems that many requests have.

import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect } from 'vitest';

import { openLocalFarm } from '../../cli/local/local-farm.ts';
import { runCommandLine } from '../../cli/program.ts';
import { createSampleEnvironment } from '../unit/cli/sample-environment.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Nobody listens there. */
const NO_SERVER = '127.0.0.1:1';

let folder = '';
/** Specs and batches are read from where the process runs. */
export const own = (name: string): string => join(folder, name);
const line = (settings: object): string =>
  JSON.stringify({ task: 'controlnet', prompt: 'p', input: 'clip.mp4', ...settings });

/** For this test file: a folder with a clip, specs and batches, of which most are wrong. */
export function useRequestFolder(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-problems-'));
    await copyFile(join(ROOT, 'examples/source.mp4'), join(folder, 'clip.mp4'));
    const files = {
      'bad.mp4': 'not a video',
      'far.txt': '0 500',
      'spec.yaml':
        'apiVersion: bivdiff/v1\ntask: controlnet\nprompt: p\ninput: none.mp4\nframes: 0\n',
      'broken.yaml': '[1, 2',
      'jobs.jsonl': [
        line({ input: 'none.mp4', output: 'a.mp4' }),
        line({ frames: 0, size: '30x30', output: 'b.mp4' }),
        '{nonsense',
        line({ frames: 5000, models: './none', output: 'clip.mp4/c.mp4' }),
      ].join('\n'),
      'jobs.csv': 'input,frames,output\nnone.mp4,x,a.mp4\nclip.mp4,,b.mp4\n',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details: { readonly problems?: readonly string[] };
}

/** What --json lists, of a command that is refused and writes nothing. */
export async function problemsOf(words: readonly string[]): Promise<readonly string[]> {
  const environment = createSampleEnvironment({
    folder,
    modelsFolder: join(ROOT, 'models'),
    server: NO_SERVER,
    openFarm: openLocalFarm,
  });
  const before = await readdir(folder);
  const code = await runCommandLine([...words, '--json'], environment);
  expect(code, environment.written.stderr).toBe(2);
  expect(await readdir(folder)).toEqual(before);
  const { error } = JSON.parse(environment.written.stdout) as { readonly error: Failure };
  // What is alone may be told as it is told elsewhere.
  return error.details.problems?.every((one) => typeof one === 'string') === true
    ? error.details.problems
    : [error.message];
}

export const NO_INPUT = /^--input: .*none\.mp4: no such file or folder\. Check the path/;
export const NO_MODELS =
  /^--models: the model set .*none cannot be used: card: .* is missing\. Is this/;
export const NO_FRAMES = '--frames: expected 1 to 1000000, got 0';
export const NO_CUTS = /^--cuts: reading the cuts .*none\.txt: there is no such file/;
export const TOO_SHORT = /^--frames: .*clip\.mp4 has 64 frames, but 19997 are needed/;
export const NO_FIT = '--size: 30x30 does not fit these models';
export const STEPS = '--steps: expected a number, got "x"';
export const PROMPT = /^--prompt is missing/;
export const UNKNOWN_CONTROL = /^--control: .* have no ControlNet for nonsense \(they have: canny/;

export type Expected = readonly (string | RegExp)[];

/** Texts are how a problem begins. */
export function matching(expected: Expected): unknown[] {
  return expected.map((one): unknown =>
    typeof one === 'string'
      ? expect.stringMatching(new RegExp(`^${RegExp.escape(one)}`))
      : expect.stringMatching(one),
  );
}
