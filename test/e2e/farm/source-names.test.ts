// Goal: whoever submits a damaged file reads its name and what is wrong with it, at once, though workers know it by a digest only. Method:
// a farm of real processes; a file that is whole where it is looked at first, and damaged further on.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { damagedLate } from '../../support/media/damaged.ts';
import { freePort } from '../../support/network/ports.ts';
import { FIXTURES, SOURCE } from '../cli/workplace.ts';

const UP_MS = 60_000;

describe('a farm that is given a damaged source', () => {
  let folder: string;
  let server: string;
  let up: ReturnType<typeof startCli>;
  let told = '';

  const run = (...words: string[]): Promise<CliRun> =>
    endOfCli(startCli(words, { BIVDIFF_SERVER: server }));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-names-'));
    server = `127.0.0.1:${await freePort()}`;
    const places = ['--listen', server, '--store', join(folder, 'store')];
    up = startCli(['up', '--workers', '1', ...places]);
    up.stdout!.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const deadline = performance.now() + UP_MS;
    while (!told.includes('ready at') && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(told).toContain(`ready at ${server}`);
  });
  afterAll(async () => {
    up.kill('SIGINT');
    await new Promise((resolve) => up.once('exit', resolve));
    await rm(folder, { recursive: true, force: true });
  });

  it('refuses at once what cannot be read at all', async () => {
    const input = join(FIXTURES, 'truncated.mp4');
    const submitted = await run('submit', '--task', 'frames', '--input', input, '--prompt', 'a');
    expect(submitted.code).toBe(2);
    expect(submitted.stderr).toMatch(/^error: truncated\.mp4 is truncated/);
  });

  it('fails the job at the first try, and names the file', async () => {
    const input = join(folder, 'my holiday.mp4');
    await writeFile(input, damagedLate(await readFile(SOURCE)));
    const flags = ['--task', 'frames', '--input', input, '--prompt', 'a', '--steps', '2'];
    const frames = ['--frames', '24', '--start', '40', '--stride', '1'];
    const submitted = await run('submit', ...flags, ...frames, '--json');
    expect(submitted.code, submitted.stderr).toBe(0);
    const { job } = JSON.parse(submitted.stdout) as { job: string };
    const watched = await run('watch', job, '--quiet');
    expect(watched.code, watched.stderr).toBe(2);
    expect(watched.stderr).toMatch(/ingest of frames? .* failed: my holiday\.mp4 is damaged/);
    expect(watched.stderr).not.toContain('tried');
    // Nor is it called otherwise where each attempt is told.
    for (const command of ['logs', 'get']) {
      const { code, stdout, stderr } = await run(command, job);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/my holiday\.mp4 is damaged/);
      expect(stdout).not.toContain('the source is damaged');
    }
  });
});
