// A copy of the tiny model set for each test of a file, to damage.

import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach } from 'vitest';

import { inspectModelSet } from '../../../common/models/model-folder.ts';
import { TINY_SET } from './paths.ts';

/** Its hooks are of the test file that calls this, at the top. */
export function useTinySet() {
  let root: string;
  let folder: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'bivdiff-models-'));
    folder = join(root, 'set');
    await cp(TINY_SET, folder, { recursive: true });
  });
  afterEach(async () => rm(root, { recursive: true }));
  return {
    folder: (): string => folder,
    inSet: (...names: readonly string[]): string => join(folder, ...names),
    inspect: () => inspectModelSet(folder, { cacheFolder: join(root, 'cache') }),
    /** To another place beside it; what was learned of its files stays known. */
    moveTo: async (name: string): Promise<void> => {
      await rename(folder, join(root, name));
      folder = join(root, name);
    },
  };
}
