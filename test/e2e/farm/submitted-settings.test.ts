// Goal: settings that have no field in the wire's message reach the workers: what `submit` makes of them has the bytes that `render` makes.

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
  ...['--task', 'controlnet', '--input', SOURCE, '--frames', '8', '--steps', '4'],
  ...['--prompt', 'a green star moving right on a white background'],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-settings-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function run(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await endOfCli(startCli([...words]));
  expect(code, stderr).toBe(0);
  return stdout;
}

it('renders and submitted jobs are the same', async () => {
  const farm = await farmOf.start({ workers: 1 });
  const digests = new Set<string>();
  for (const [index, settings] of [
    [],
    ['--bridging', 'none', '--strength', '0.5'],
    ['--shared-noise', '0.5'],
  ].entries()) {
    const [local, fetched] = [`local-${index}.mp4`, `fetched-${index}.mp4`].map((name) =>
      join(folder, name),
    ) as [string, string];
    await run('render', ...JOB, ...settings, '--output', local, '--store', join(folder, 'store'));
    const at = ['--server', farm.server];
    const { job } = JSON.parse(await run('submit', ...JOB, ...settings, '--json', ...at)) as {
      job: string;
    };
    await run('watch', job, '--quiet', ...at);
    await run('fetch', job, '--output', fetched, ...at);
    const digest = await sha256OfFile(local);
    expect(await sha256OfFile(fetched), settings.join(' ')).toBe(digest);
    digests.add(digest);
  }
  // And each is another clip.
  expect(digests.size).toBe(3);
});
