// `--cuts`: words, and files that list the first frames of shots.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { specLayer } from '../../../../cli/request/spec-layer.ts';
import type { LayerOptions } from '../../../../cli/request/spec-layer.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-cuts-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function read(text: string | Buffer, spelling: LayerOptions['spelling'] = 'typed') {
  await writeFile(join(folder, 'shots.txt'), text);
  const { fields, problems } = specLayer({ cuts: 'shots.txt' }, { folder, spelling });
  return { cuts: fields['cuts'], problems };
}

describe('--cuts FILE', () => {
  it.each([
    ['0 48\n120\n', [0, 48, 120]],
    ['0,48,120', [0, 48, 120]],
    [' [48, 120]\n', [48, 120]],
    ['[]', []],
  ])('reads %j', async (text, cuts) => {
    expect(await read(text)).toEqual({ cuts, problems: [] });
    expect(await read(text, 'spec')).toEqual({ cuts, problems: [] });
  });

  it.each([
    ['12 x 1.5 -3', 'holds "x", "1.5", "-3": expected the first frame of each shot'],
    ['["12", 4.5, null]', 'holds "\\"12\\"", "4.5", "null": expected'],
    ['{"cuts": [1]}', 'holds "{\\"cuts\\":", "[1]}": expected'],
    ['', 'holds no frames: expected the first frame of each shot, such as 0 48 120; where there'],
    [' \n\n', 'holds no frames: expected'],
    [',', 'holds no frames: expected'],
    ['[1, 2', 'is neither numbers nor a list in JSON'],
    ['a '.repeat(40), 'and 35 more: expected'],
    [Buffer.from([0xff, 0xfe, 0x31, 0]), 'is UTF-16'],
  ])('refuses %j', async (text, problem) => {
    const { cuts, problems } = await read(text);
    expect(cuts).toBeUndefined();
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/^--cuts: .*shots\.txt/);
  });

  it('tells who mistyped a word that it was taken for a file', () => {
    const { problems } = specLayer({ cuts: 'aut' }, { folder, spelling: 'typed' });
    expect(problems).toEqual([
      `--cuts: reading the cuts ${join(folder, 'aut')}: there is no such file; the words that are none are auto and none`,
    ]);
  });

  it.each(['typed', 'spec'] as const)('refuses a folder, and no name (%s)', (spelling) => {
    const problemsOf = (cuts: string) => specLayer({ cuts }, { folder, spelling }).problems;
    const called = spelling === 'typed' ? '--cuts' : 'cuts';
    expect(problemsOf('.')).toEqual([
      `${called}: ${folder} is a folder, and a file shall be read; the words that are none are auto and none`,
    ]);
    for (const name of ['', ' ']) {
      expect(problemsOf(name)).toEqual([
        `${called}: expected auto, none or the name of a file, got "${name}"`,
      ]);
    }
  });
});

describe('cuts of a spec', () => {
  it.each([
    ['auto', 'auto'],
    ['none', 'none'],
    [
      [3, 9],
      [3, 9],
    ],
  ])('may be %j', (given, cuts) => {
    const { fields, problems } = specLayer({ cuts: given }, { folder, spelling: 'spec' });
    expect({ fields, problems }).toEqual({ fields: { cuts }, problems: [] });
  });

  it.each([
    ['some', /cuts: expected one of auto, none, got "some"/],
    [7, /cuts: expected one of auto, none, got 7/],
    [[3, 4.5], /cuts\.1: expected a whole number, got 4\.5/],
    [Array.from({ length: 4097 }, (_, i) => 2 * i), /cuts: too big: expected at most 4096/],
  ])('may not be others (%#)', (cuts, problem) => {
    const spec = {
      apiVersion: 'bivdiff/v1',
      task: 'frames',
      prompt: 'a',
      input: { path: 'a' },
      cuts,
    };
    expect(() => parseRenderSpec(spec, 'the spec')).toThrow(problem);
  });
});
