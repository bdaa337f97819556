// Goal: what a killed process leaves in the folder of temporary files, or beside an output, goes with the next process; what a live one uses
// stays. Method: real processes with a folder of temporary files of their own; SIGKILL for one of two.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { removeLeftovers } from '../../../../common/files/leftovers.ts';
import { USER_PID_FILE } from '../../../../common/files/temporary-folder.ts';
import { openFileStore } from '../../../../common/store/file/index.ts';

const PROGRAM = join(import.meta.dirname, '../../../support/files/left-behind.ts');

let place = '';
let digest = '';
const children: ChildProcess[] = [];
const at = (...names: string[]): string => join(place, ...names);

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'bivdiff-left-'));
  for (const name of ['tmp', 'out']) await mkdir(at(name));
  const store = await openFileStore(at('store'));
  digest = await store.putArtifact(Buffer.from('a video'));
  await store.close();
});
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  await rm(place, { recursive: true, force: true });
});

/** A process that has made its things, and where they lie. */
async function start(): Promise<{ readonly child: ChildProcess; readonly made: string[] }> {
  const child = spawn(process.execPath, [PROGRAM, at('store'), digest, at('out')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: at('tmp') },
  });
  children.push(child);
  const made: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    made.push(line);
    if (made.length === 3) break;
  }
  return { child, made };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

test('a killed process leaves nothing once the next has begun, and a live one keeps all', async () => {
  const killed = await start();
  const live = await start();
  await kill(killed.child);
  expect(await Promise.all(killed.made.map(isThere))).toEqual([true, true, true]);

  const next = await start();
  await removeLeftovers(at('out'), '.bivdiff-');
  expect(await Promise.all(killed.made.map(isThere))).toEqual([false, false, false]);
  expect(await Promise.all([...live.made, ...next.made].map(isThere))).not.toContain(false);
  expect(await readdir(at('tmp'))).toHaveLength(4);
});

test('a folder that another process still uses outlives its maker', async () => {
  const killed = await start();
  const [, folder = ''] = killed.made;
  // As nats-server does, which a killed `bivdiff up` leaves running.
  const server = spawn('sh', ['-c', `while :; do sleep 1; done # ${folder}`]);
  children.push(server);
  await writeFile(join(folder, USER_PID_FILE), `${server.pid}`);
  await kill(killed.child);
  await start();
  expect(await isThere(folder)).toBe(true);
  await kill(server);
  await start();
  expect(await isThere(folder)).toBe(false);
});

test('what a process elsewhere made goes after a day, and what only looks like it never', async () => {
  const foreign = at('tmp', 'bivdiff-source-0123456789ab.1.1.abcdef');
  const other = at('tmp', 'bivdiff-notes');
  const theirs = at('tmp', 'somebody-0123456789ab.1.1.abcdef');
  for (const path of [foreign, other, theirs]) await mkdir(path);
  await start();
  expect(await isThere(foreign)).toBe(true);
  const longAgo = new Date(Date.now() - 25 * 3_600_000);
  for (const path of [foreign, other, theirs]) await utimes(path, longAgo, longAgo);
  await start();
  expect(await Promise.all([foreign, other, theirs].map(isThere))).toEqual([false, true, true]);
});
