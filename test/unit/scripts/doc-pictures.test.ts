// The pictures of docs/tasks.md: each is there, small, and made by commands that stand before it; no task is without.

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import * as recipes from '../../../recipes/specs.ts';
import { docPictures } from '../../../scripts/pictures/doc-pictures.ts';

const docs = join(import.meta.dirname, '../../../docs');
const pictures = docPictures(await readFile(join(docs, 'tasks.md'), 'utf8'));
const BYTES_MAX = 60_000;

describe('the pictures of docs/tasks.md', () => {
  it('are those in docs/pictures, all of them small', async () => {
    const files = pictures.map(({ name }) => `${name}.webp`);
    expect(files.toSorted()).toEqual((await readdir(join(docs, 'pictures'))).toSorted());
    for (const file of files) {
      expect((await stat(join(docs, 'pictures', file))).size, file).toBeLessThan(BYTES_MAX);
    }
  });

  it('are of every task', () => {
    const shown = pictures.map(({ commands }) => {
      const last = commands.at(-1) ?? [];
      return last[last.indexOf('--task') + 1];
    });
    expect(new Set(shown)).toEqual(new Set(Object.keys(recipes)));
  });

  it('are made by the commands of the block before, and by nothing else', () => {
    const page = [
      ...['    bin/bivdiff render --prompt "a b" \\', '      --output x/', ''],
      ...['    bin/bivdiff sweep --steps 4', '', '![of a sweep](pictures/one.webp)', 'Words.', ''],
      ...['    bin/bivdiff render', '    ls', '![of a render](pictures/two.webp)'],
    ];
    expect(docPictures(page.join('\n'))).toEqual([
      {
        name: 'one',
        commands: [
          ['render', '--prompt', 'a b', '--output', 'x/'],
          ['sweep', '--steps', '4'],
        ],
      },
      { name: 'two', commands: [['render']] },
    ]);
  });
});
