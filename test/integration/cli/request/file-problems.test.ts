// Goal: what is wrong in a spec file or in the lines of a batch comes in one error, beside what is wrong with flags, and nothing is written.

import { describe, expect, it } from 'vitest';

import {
  NO_FIT,
  NO_INPUT,
  STEPS,
  matching,
  own,
  problemsOf,
  useRequestFolder,
} from '../../../support/request-problems.ts';
import type { Expected } from '../../../support/request-problems.ts';

useRequestFolder();

describe('mistakes in a spec file', () => {
  it('are told together, beside those in flags, by the key', async () => {
    const problems = await problemsOf([
      'render',
      own('spec.yaml'),
      '--size',
      '30x30',
      '--steps',
      'x',
    ]);
    expect(problems).toEqual(
      matching([
        ...[STEPS, 'frames: expected 1 to 1000000, got 0', 'output is missing'],
        ...[/^input: .*none\.mp4: no such file or folder/, NO_FIT],
      ]),
    );
  });

  it('that hide all of it leave what the flags say', async () => {
    const problems = await problemsOf(['plan', own('broken.yaml'), '--input', 'none.mp4']);
    expect(problems).toEqual(matching([/broken\.yaml is neither YAML nor JSON/, NO_INPUT]));
  });
});

describe('mistakes in a batch', () => {
  const LINES: Expected = [
    /^line 1: input: .*none\.mp4: no such file or folder\. Check/,
    'line 2: frames: expected 1 to 1000000, got 0',
    'line 2: size: 30x30 does not fit',
    'line 3: not JSON: ',
    'line 4: models: the model set ',
    /^line 4: frames: .*clip\.mp4 has 64 frames/,
    /^line 4: .*clip\.mp4.* is not a folder/,
  ];

  it('are told line by line, beside those in flags', async () => {
    const words = ['render', '--batch', own('jobs.jsonl'), '--output', 'o.mp4', '--window', 'x'];
    expect(await problemsOf(words)).toEqual(
      matching([
        '--output cannot go with --batch: each line of a batch names its own. Write it',
        'the flags: --window: expected a number, got "x"',
        ...LINES,
      ]),
    );
  });

  it('of a flag are told once, however many lines it is for', async () => {
    const words = ['render', '--batch', own('jobs.csv'), '--task', 'controlnet', '--steps', '0'];
    expect(await problemsOf([...words, '--prompt', 'p'])).toEqual(
      matching([
        'the flags: --steps: expected 1 to 1000, got 0',
        'line 2: --frames: expected a number, A-B or A-B/N, got "x"',
        /^line 2: --input: .*none\.mp4: no such file/,
      ]),
    );
  });

  it.each(['render', 'submit'])(
    'that show in what a flag names are told once by %s, unless each line names something else',
    async (command) => {
      const words = [command, '--batch', own('jobs.csv'), '--prompt', 'p', '--task'];
      const shared = await problemsOf([...words, 'inpainting', '--mask', 'none.mp4']);
      expect(shared.filter((one) => one.includes('--mask'))).toEqual(
        matching([/^the flags: --mask: .*none\.mp4: no such file/]),
      );
      const unused = await problemsOf([...words, 'frames', '--input', 'other.mp4']);
      expect(unused.filter((one) => one.includes('other.mp4'))).toEqual([]);
    },
  );

  it('that hide all of it leave what the flags say', async () => {
    expect(await problemsOf(['render', '--batch', 'none.jsonl', '--frames', 'x'])).toEqual(
      matching([
        'reading the batch none.jsonl: there is no such file',
        'the flags: --frames: expected a number, A-B or A-B/N, got "x"',
      ]),
    );
  });

  it('are told where no farm can be asked about the others', async () => {
    expect(await problemsOf(['submit', '--batch', own('jobs.csv'), '--priority', '200'])).toEqual(
      matching([
        '--priority: expected a whole number',
        'line 2: --frames: expected a number, A-B or A-B/N, got "x"',
        'line 2: task is missing',
        'line 2: prompt is missing',
        /^line 2: --input: .*none\.mp4: no such file/,
        'line 3: task is missing',
        'line 3: prompt is missing',
      ]),
    );
  });
});
