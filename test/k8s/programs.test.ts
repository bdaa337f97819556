// The programs of others that these tests run: what is missing is made whole, or it is said what that takes.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

import { textOfIdentity, ownIdentity } from '../../common/files/process-identity.ts';

const execute = promisify(execFile);
const GET = join(import.meta.dirname, '../support/kubernetes/programs/get-programs.ts');

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'bivdiff-programs-'));
});
afterEach(async () => rm(cache, { recursive: true }));

async function get(name: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stderr } = await execute(process.execPath, [GET, name], {
    env: { ...process.env, XDG_CACHE_HOME: cache, ...env },
  });
  return stderr;
}

it('makes what is missing once, and removes what a killed one left', async () => {
  const folder = join(cache, 'bivdiff/bin');
  const dead = textOfIdentity({ ...(await ownIdentity()), pid: 2 ** 22 + 1 });
  await mkdir(join(folder, `.making-kwok-stages-${dead}.abcdef`), { recursive: true });
  expect(await get('kwok-stages')).toContain('ready');
  const names = await readdir(folder);
  expect(names).toEqual([expect.stringMatching(/^kwok-stages-[\d.]+\.yaml$/)]);
  const stages = parseAllDocuments(await readFile(join(folder, names[0]!), 'utf8'));
  expect(stages.map((stage) => (stage.toJS() as { kind: string }).kind)).toEqual(
    Array<string>(5).fill('Stage'),
  );
  expect(await get('kwok-stages')).toBe('');
});

it('says what it takes where it cannot be made, and leaves nothing', async () => {
  const failure = get('kubeconform', { GOPROXY: 'off', GOMODCACHE: join(cache, 'modules') });
  await expect(failure).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('that takes Go 1.26 or newer on PATH') as unknown,
  });
  expect(await readdir(join(cache, 'bivdiff/bin'))).toEqual([]);
});

it('refuses a name that it does not know, and says which there are', async () => {
  await expect(get('kubelet')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Unknown: kubelet\. There are: etcd, .*kubeconform/) as unknown,
  });
});
