// Goal: the figures in models/demo/README.md can be measured again. Method: every program of models/quality on one held-out clip of the shipped
// models at two steps, which is too few to meet bars; each has to get to its end, and each bar has to name what misses it.
// Needs a Python with models/requirements.txt: $BIVDIFF_PYTHON, else python3.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const PYTHON = process.env['BIVDIFF_PYTHON'] ?? 'python3';

interface Judged {
  readonly bar: string;
  readonly missedBy: readonly string[];
}

const ONE = ['--clips', '1', '--steps', '2'];
const PROGRAMS = [
  ['controls', 'controls.json', ...ONE, '--generators', 'pose', '--smoothed', '1'],
  ['hidden', 'hidden.json', ...ONE],
  ['instruct', 'quality-instruct.json', ...ONE],
  ['prompt2prompt', 'prompt2prompt.json', ...ONE],
] as const;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-quality-road-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Every object in the JSON value that is a judged bar. */
function barsIn(value: unknown): readonly Judged[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('missedBy' in value) return [value as Judged];
  return Object.values(value).flatMap(barsIn);
}

describe('models/quality', () => {
  it.each(PROGRAMS)(
    '%s measures a clip and its negative controls',
    async (name, file, ...flags) => {
      const options = {
        cwd: join(root, 'models'),
        env: { ...process.env, BIVDIFF_TRAIN_DIR: join(folder, 'train') },
      };
      const words = ['-m', `quality.${name}`, ...flags, '--out', folder];
      await promisify(execFile)(PYTHON, words, options);
      const bars = barsIn(JSON.parse(await readFile(join(folder, file), 'utf8')));
      expect(bars.length).toBeGreaterThan(3);
      // Flicker does: frames that are not smoothed keep theirs.
      const flicker = bars.filter(({ bar }) => bar.includes('flicker'));
      expect(flicker.length).toBeGreaterThan(0);
      for (const { missedBy } of flicker) expect(missedBy).toContain('not smoothed');
    },
  );
});
