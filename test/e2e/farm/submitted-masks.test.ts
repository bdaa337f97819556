// Goal: what a job reads beside its source reaches the workers: a removal by a mask, submitted, has the bytes that `render` makes, and whatever is
// wrong with the mask is said by its name.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { sha256OfFile } from '../../support/farm/tenant-farm.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { FIXTURES, MASK, SOURCE } from '../cli/workplace.ts';

const farmOf = useFarm();
const JOB = [
  ...['--task', 'inpainting', '--input', SOURCE, '--frames', '3', '--steps', '2'],
  ...['--prompt', '', '--keep-known', '--feather', '2'],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-masks-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

const run = (...words: readonly string[]): Promise<CliRun> => endOfCli(startCli([...words]));

it('masks travel with what is submitted', async () => {
  const farm = await farmOf.start({ workers: 1 });
  const at = ['--server', farm.server];
  const wrong = await run('submit', ...JOB, '--mask', join(FIXTURES, 'truncated.mp4'), ...at);
  expect(wrong.code, wrong.stderr).toBe(2);
  expect(wrong.stderr).toMatch(/^error: truncated\.mp4 is truncated/);
  const small = await run('submit', ...JOB, '--mask', join(FIXTURES, 'odd-size.mp4'), ...at);
  expect(small.code, small.stderr).toBe(2);
  expect(small.stderr).toMatch(/^error: --mask: .*sizes have to be equal/);

  const [local, fetched] = ['local.mp4', 'fetched.mp4'].map((name) => join(folder, name));
  const settings = [...JOB, '--mask', MASK];
  const submitted = await run('submit', ...settings, '--json', ...at);
  expect(submitted.code, submitted.stderr).toBe(0);
  const { job } = JSON.parse(submitted.stdout) as { job: string };
  const watched = await run('watch', job, '--quiet', ...at);
  expect(watched.code, watched.stderr).toBe(0);
  expect((await run('fetch', job, '--output', fetched!, ...at)).code).toBe(0);
  const place = ['--output', local!, '--store', join(folder, 'store'), '--quiet'];
  expect((await run('render', ...settings, ...place)).code).toBe(0);
  expect(await sha256OfFile(fetched!)).toBe(await sha256OfFile(local!));
});
