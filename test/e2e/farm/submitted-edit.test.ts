// Goal: an edit of words reaches the workers of a farm whole: what `submit` makes of it has the bytes that `render` makes.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import { sha256OfFile } from '../../support/farm/tenant-farm.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { SOURCE } from '../cli/workplace.ts';

const farmOf = useFarm();
const JOB = [
  ...['--task', 'prompt-to-prompt', '--input', SOURCE, '--frames', '2', '--steps', '3'],
  ...['--source-prompt', 'a red star on a gray background', '--self-replace', '0.7'],
  ...['--prompt', 'a green star on a gray background', '--reweight', 'green=2,star=0.5'],
  ...['--blend-words', 'star', '--blend-threshold', '0.8', '--cross-replace', '0.75'],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-edit-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function run(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await endOfCli(startCli([...words]));
  expect(code, stderr).toBe(0);
  return stdout;
}

it('a rendered and a submitted edit are the same', async () => {
  const farm = await farmOf.start({ workers: 1 });
  const [local, fetched] = ['local.mp4', 'fetched.mp4'].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  await run('render', ...JOB, '--output', local, '--store', join(folder, 'store'));
  const at = ['--server', farm.server];
  const { job } = JSON.parse(await run('submit', ...JOB, '--json', ...at)) as { job: string };
  await run('watch', job, '--quiet', ...at);
  await run('fetch', job, '--output', fetched, ...at);
  expect(await sha256OfFile(fetched)).toBe(await sha256OfFile(local));
});
