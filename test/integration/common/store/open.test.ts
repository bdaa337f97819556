// Which directories become a store, which are refused, and what is cleared away when one is opened. On real file systems.

import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openFileStore } from '../../../../common/store/file/index.ts';
import { isGone, ownIdentity } from '../../../../common/files/process-identity.ts';
import { startChild } from '../../../support/conformance/child.ts';
import type { SeenFailure } from '../../../support/conformance/seen-failure.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-open-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('opening a store directory', () => {
  it('makes one where there is nothing, and opens it again', async () => {
    const path = join(folder, 'a', 'b');
    const digest = await putHello(path);
    const again = await openFileStore(path);
    expect(await again.hasArtifact(digest)).toBe(true);
    await again.close();
    const format: unknown = JSON.parse(await readFile(join(path, 'format.json'), 'utf8'));
    expect(format).toEqual({ format: 'bivdiff-store', version: 1 });
    expect(await readdir(join(path, 'tmp'))).toEqual([]);
  });

  it('lets eight make the same one at once', async () => {
    const path = join(folder, 'store');
    const stores = await Promise.all(Array.from({ length: 8 }, () => openFileStore(path)));
    const digests = await Promise.all(stores.map((store) => store.putArtifact(Buffer.from('x'))));
    expect(new Set(digests).size).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('takes a fresh volume with lost+found and hidden files', async () => {
    await mkdir(join(folder, 'lost+found'));
    await writeFile(join(folder, '.snapshot'), '');
    await putHello(folder);
  });

  it('refuses a directory that holds something else', async () => {
    await writeFile(join(folder, 'thesis.tex'), 'mine');
    const error = await failureOf(openFileStore(folder), 'failed-precondition');
    expect(error.message).toContain('thesis.tex');
    expect(await readdir(folder)).toEqual(['thesis.tex']);
  });

  it.each(['not JSON', '[]', '{"format":"other","version":1}', '{"format":"bivdiff-store"}', ''])(
    'refuses the format %j',
    async (text) => {
      await writeFile(join(folder, 'format.json'), text);
      await failureOf(openFileStore(folder), 'failed-precondition');
    },
  );

  it('refuses a store of a newer format, and says what to do', async () => {
    await writeFile(join(folder, 'format.json'), '{"format":"bivdiff-store","version":2}');
    const error = await failureOf(openFileStore(folder), 'failed-precondition');
    expect(error.message).toContain('has format 2; this program knows up to 1');
    expect(error.hint).toContain('newer bivdiff');
    expect(await readdir(folder)).toEqual(['format.json']);
  });

  it('refuses a file, and what is below one', async () => {
    await writeFile(join(folder, 'file'), '');
    const file = join(folder, 'file');
    for (const [path, what] of [
      [file, 'it'],
      [join(file, 'store'), file],
      [join(file, 'deep', 'store'), file],
    ] as const) {
      const error = await failureOf(openFileStore(path), 'invalid-argument');
      expect(error.message).toBe(`no store can be at ${path}: ${what} is not a folder`);
      expect(error.hint).toBe('Choose another place with --store or $BIVDIFF_STORE.');
    }
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('refuses to lie where it may not write', async () => {
    const path = join(folder, 'store');
    await putHello(path);
    await rm(join(path, 'tmp'), { recursive: true });
    const child = startChild('store/store-opener.ts', [path]);
    const failure = JSON.parse((await child.output()).join('')) as SeenFailure;
    expect(failure).toMatchObject({ code: 'permission-denied' });
    expect(failure.message).toContain(path);
    expect(failure.hint).toContain('choose another store');
  });

  it('refuses to lie on two file systems, between which nothing can be linked', async () => {
    const elsewhere = await mkdtemp('/dev/shm/bivdiff-open-');
    try {
      const path = join(folder, 'store');
      await mkdir(path);
      await symlink(elsewhere, join(path, 'artifacts'));
      const error = await failureOf(openFileStore(path), 'failed-precondition');
      expect(error.message).toContain('EXDEV');
      expect(error.hint).toContain('hard links');
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });
});

describe('temporary files of others', () => {
  it('go when their process is gone or they are a day old, else stay', async () => {
    const path = join(folder, 'store');
    await putHello(path);
    const own = await ownIdentity();
    const gone = `${own.machine}.${await pidOfNobody()}.1.aaaa.0`;
    const ours = `${own.machine}.${own.pid}.${own.started}.bbbb.0`;
    const reused = `${own.machine}.${own.pid}.1.cccc.0`;
    const foreign = 'ffffffffffff.1.1.dddd.0';
    const foreignOld = 'ffffffffffff.1.1.eeee.0';
    for (const name of [gone, ours, reused, foreign, foreignOld, 'odd']) {
      await writeFile(join(path, 'tmp', name), 'half');
    }
    const longAgo = Date.now() / 1000 - 25 * 60 * 60;
    await utimes(join(path, 'tmp', foreignOld), longAgo, longAgo);
    await putHello(path);
    expect((await readdir(join(path, 'tmp'))).sort()).toEqual([ours, foreign, 'odd'].sort());
  });

  it('are known by machine, process and its start', async () => {
    const own = await ownIdentity();
    expect(await isGone(own, own)).toBe(false);
    expect(await isGone({ ...own, machine: 'other' }, own)).toBe(false);
    expect(await isGone({ ...own, pid: await pidOfNobody() }, own)).toBe(true);
    expect(await isGone({ ...own, started: '1' }, own)).toBe(true);
    // Whoever started the system is alive and may be another user's.
    expect(
      await isGone({ ...own, pid: process.ppid, started: await startedOf(process.ppid) }, own),
    ).toBe(false);
  });
});

async function putHello(path: string) {
  const store = await openFileStore(path);
  const digest = await store.putArtifact(Buffer.from('hello'));
  await store.close();
  return digest;
}

/** Of a process that has just ended. */
async function pidOfNobody(): Promise<number> {
  const child = startChild('seed.ts', []);
  await child.output();
  return child.process.pid ?? 0;
}

async function startedOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
