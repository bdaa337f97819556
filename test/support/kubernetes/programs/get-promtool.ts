// Prometheus' checker: what the machine has, else Debian's package taken apart into the cache, since building it takes a quarter of an hour; else
// built after all.

import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { cacheHome } from '../../../../common/cache-home.ts';
import { findPromtool } from '../../promtool.ts';
import { findProgram } from './find-program.ts';

const run = promisify(execFile);

/** Its command. */
export async function getPromtool(): Promise<string> {
  const found = findPromtool();
  if (found !== undefined) return found;
  await takeDebians().catch(() => undefined);
  return findPromtool() ?? (await findProgram('promtool'));
}

async function takeDebians(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-promtool-'));
  try {
    const download = async () => run('apt-get', ['download', 'prometheus'], { cwd: folder });
    // Lists of packages may be missing on a machine that is new.
    await download().catch(async () => {
      await run('apt-get', ['update']);
      await download();
    });
    const [name = ''] = await readdir(folder);
    await run('dpkg', ['-x', join(folder, name), folder]);
    const bin = join(cacheHome(), 'bin');
    await mkdir(bin, { recursive: true });
    // Whole or not at all, and the cache may be another disk.
    const beside = join(bin, `.promtool-${process.pid}`);
    await copyFile(join(folder, 'usr/bin/promtool'), beside);
    await rename(beside, join(bin, 'promtool'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
