// Secrets that an orchestrator mounts can be read by the programs they are for: as Kubernetes does with fsGroup: the file is
// root's, mode 0440, of a group that the program is in; the program runs as 65532. Needs root, to be another user.

import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../../..');
const USER = 65_532;
const USERS = 'users: [{ user: worker, role: worker, password: a-password-of-32-characters-xxxx }]';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-mounted-'));
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function natsConfig(mode: number, owner: number): Promise<string> {
  const path = join(folder, 'users.yaml');
  await writeFile(path, USERS);
  await chown(path, owner, USER);
  await chmod(path, mode);
  // What reads it, without what starts it: a checkout may lie where this user may not go.
  const reader = `
    import { readSecretFile } from ${JSON.stringify(join(root, 'common/secret-file.ts'))};
    process.setgroups([${USER}]); process.setgid(${USER}); process.setuid(${USER});
    console.log(await readSecretFile(${JSON.stringify(path)}, { origin: '--users' }));`;
  const words = ['--input-type=module', '--eval', reader];
  const { stdout } = await run(process.execPath, words, { cwd: folder });
  return stdout.trim();
}

describe.runIf(process.getuid?.() === 0)('a secret that an orchestrator mounts', () => {
  it('is read by its group where it is another owner’s', async () => {
    expect(await natsConfig(0o440, 0)).toBe(USERS);
  });

  it.each([
    [0o460, 0],
    [0o444, 0],
    [0o440, USER],
  ])('is refused where its mode is more, or it could be closed: %i of %i', async (mode, owner) => {
    await expect(natsConfig(mode, owner)).rejects.toThrow('is open to others');
  });
});
