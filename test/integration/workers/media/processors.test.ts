// Goal: the same frames are the same bytes whatever processors a machine has. Method: one program that writes a video, started on one
// processor, on all, and with a library before it that tells every encoder another number of them.

import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MOVIE_FORMATS } from '../../../../common/outputs/output-formats.ts';

const SUPPORT = path.join(import.meta.dirname, '../../../support/media');
const hasTaskset = spawnSync('taskset', ['-V']).status === 0;
const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;

let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-processors-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const run = promisify(execFile);

async function digest(
  format: string,
  start: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const words = [...start, process.execPath];
  const [program, ...options] = [words[0]!, ...words.slice(1)];
  const file = path.join(folder, `${files++}`);
  const script = path.join(SUPPORT, 'encode-once.ts');
  const { stdout } = await run(program, [...options, script, format, file], {
    env: { ...process.env, ...env },
  });
  expect(stdout).toMatch(/^[0-9a-f]{64}$/);
  return stdout;
}

/** One that this process may run on. */
function oneProcessor(): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(status)?.[1] ?? '0';
}

describe.each(MOVIE_FORMATS)('%s', (format) => {
  test.skipIf(!hasTaskset)('is the same on one processor as on all', async () => {
    expect(await digest(format, ['taskset', '-c', oneProcessor()])).toBe(await digest(format));
  });

  test.skipIf(!hasCompiler)('is the same where libraries see 1, 4 or 16 processors', async () => {
    const library = path.join(folder, `processors-${format}.so`);
    const source = path.join(SUPPORT, 'made-up-processors.c');
    await run('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
    const digests = new Set<string>();
    for (const PROCESSORS of ['1', '4', '16']) {
      digests.add(await digest(format, [], { LD_PRELOAD: library, PROCESSORS }));
    }
    expect([...digests]).toHaveLength(1);
  });
});
