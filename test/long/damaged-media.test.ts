// Goal: no damage to a media file ends the program that reads it, or fills its machine. Method: thousands of copies of all fixtures,
// damaged as a printed seed says, each read by a real media process; BIVDIFF_TEST_SEED and BIVDIFF_FUZZ_FILES choose another run.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, it } from 'vitest';

import { fixture } from '../support/media/clips.ts';
import { readDamaged } from '../support/media/mutations.ts';

const FILES = Number(process.env['BIVDIFF_FUZZ_FILES'] ?? 5_000);
const SEED = Number(process.env['BIVDIFF_TEST_SEED'] ?? Date.now() % 2 ** 31);
/** Of the reading process; the fixtures are small pictures. */
const MEMORY_BYTES_MAX = 3 * 2 ** 30;

it('reads thousands of damaged files, or refuses them in words', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-damaged-'));
  try {
    const names = await readdir(fixture('.'));
    const result = await readDamaged(
      names.map((name) => fixture(name)),
      { seed: SEED, files: FILES, folder },
    );
    process.stderr.write(`seed ${SEED}: ${JSON.stringify(result)}\n`);
    expect(result.surprises).toEqual([]);
    expect(result.peakBytes).toBeLessThan(MEMORY_BYTES_MAX);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
