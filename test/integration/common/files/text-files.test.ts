// Goal: every text file that a user gives is refused where it is no UTF-8, by line and byte, and read if it only begins with a byte order mark.
// Method: real files of each kind that no other test has: secrets, a coordinator's settings, a model set's card and configs.

import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { limitsOf } from '../../../../cli/flags/limit-flags.ts';
import { TokenFile } from '../../../../cli/programs/security/token-file.ts';
import { inspectModelSet } from '../../../../common/models/model-folder.ts';
import { readSecretFile } from '../../../../common/secret-file.ts';
import { TINY_SET } from '../../../support/models/paths.ts';

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-texts-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const LATIN = Buffer.from('# fine\n# caf\xe9\n', 'latin1');

test('a secret is refused by its place in the file, and not told', async () => {
  await writeFile(at('token'), LATIN);
  await chmod(at('token'), 0o600);
  const place = `${at('token')} is not UTF-8 text: line 2, byte 6`;
  await expect(readSecretFile(at('token'), { origin: '--token-file' })).rejects.toMatchObject({
    message: `--token-file: ${place}`,
  });
  await expect(TokenFile.open(at('token'), '--tokens')).rejects.toMatchObject({
    message: `--tokens: ${place}`,
  });
});

test('settings of a coordinator are refused by line and byte', async () => {
  await writeFile(at('settings.yaml'), LATIN);
  await expect(limitsOf({ flags: [], settingsFile: at('settings.yaml') })).rejects.toThrow(
    'settings.yaml is not UTF-8 text: line 2, byte 6 (0xE9)',
  );
});

test.each(['card.json', 'image/scheduler/scheduler_config.json'])(
  'a model set is read whose %s begins with a byte order mark, and named where it is no UTF-8',
  async (name) => {
    const set = at('set');
    await cp(TINY_SET, set, { recursive: true });
    const text = await readFile(join(set, name), 'utf8');
    await writeFile(join(set, name), `\uFEFF${text}`);
    expect((await inspectModelSet(set)).problems).toEqual([]);

    await writeFile(join(set, name), Buffer.from(`{"a": "caf\xe9"}`, 'latin1'));
    const [problem] = (await inspectModelSet(set)).problems;
    expect(problem).toMatchObject({
      path: join(set, name),
      problem: expect.stringContaining('is not UTF-8 text: line 1, byte 11 (0xE9)') as string,
    });
  },
);
