// Can a damaged file do more than be refused? Copies of the fixtures, damaged as a seed says; test/long/damaged-media.test.ts reads thousands.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readDamaged } from '../../../support/media/mutations.ts';
import { fixture } from '../../../support/media/clips.ts';

test('reads a damaged file or refuses it in words, file after file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-damaged-'));
  try {
    const sources = (await readdir(fixture('.'))).map((name) => fixture(name));
    const result = await readDamaged(sources, { seed: 15, files: 150, folder });
    expect(result.surprises).toEqual([]);
    expect(result.read + result.refused).toBe(150);
    expect(result.refused).toBeGreaterThan(10);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
