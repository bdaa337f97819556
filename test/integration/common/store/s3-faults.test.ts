// The store on S3 where others are at it too, or the network fails: what garbage collection leaves, what a writer is told, and what two
// processes make of one task. On a real server, behind a proxy with faults.

import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { openStore } from '../../../../common/store/open-store.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { TaskId } from '../../../../common/task.ts';
import { startChild } from '../../../support/conformance/child.ts';
import { artifactOf, recordOf, taskIdOf } from '../../../support/conformance/results.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';
import { useS3Server } from '../../../support/conformance/use-s3-server.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';

const s3 = useS3Server('faults');

describe('garbage collection', () => {
  const DAY_MS = 24 * 60 * 60 * 1000;

  /** Everything is ten days old; then `meanwhile` happens between its last look at a key and the removal of that. */
  async function collectWhile(
    beginning: string,
    meanwhile: (direct: Store) => Promise<unknown>,
  ): Promise<void> {
    const direct = await openStore(s3.place);
    const root = join(s3.server.folder, s3.place.slice('s3://'.length));
    const longAgo = (Date.now() - 10 * DAY_MS) / 1000;
    for (const file of await s3.filesOf()) await utimes(join(root, file), longAgo, longAgo);
    s3.proxy.before = async ({ method, path }) => {
      if (method === 'DELETE' && path.includes(beginning)) await meanwhile(direct);
    };
    const nothing = { keepRecords: () => false, keepArtifacts: () => false };
    const options = { ...nothing, minAgeMs: DAY_MS, nowMs: Date.now(), dryRun: false };
    await s3.withStore((store) => store.collectGarbage(options));
    s3.proxy.before = async () => undefined;
    await direct.close();
  }

  it('puts back an artifact that is reused in the moment of its removal', async () => {
    const bytes = bytesOf('frame', 1000);
    const digest = await s3.withStore((store) => store.putArtifact(bytes));
    let reused = 0;
    await collectWhile(`/artifacts/${digest.slice(0, 2)}/`, async (direct) => {
      reused++;
      await direct.putArtifact(bytes);
    });
    expect(reused).toBe(1);
    await s3.withStore(async (store) => {
      expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
      expect((await store.usage()).quarantine.count).toBe(0);
    });
  });

  it('puts back a record that is found by a survey in the moment of its removal', async () => {
    const bytes = bytesOf('frame', 1000);
    const frame = artifactOf(digestBytes(bytes), 1000);
    const record = recordOf('a', [frame]);
    await s3.withStore(async (store) => {
      await store.putArtifact(bytes);
      await store.putRecord(record);
    });
    const found: unknown[] = [];
    await collectWhile('/records/', async (direct) => {
      found.push(await direct.getRecord(record.taskId, { checkArtifacts: true }));
    });
    expect(found).toEqual([record]);
    await s3.withStore(async (store) => {
      expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
    });
  });

  it('does not put a record back over one that was committed since', async () => {
    const record = recordOf('a', []);
    const next = { ...record, worker: 'next' };
    await s3.withStore((store) => store.putRecord(record));
    await collectWhile('/records/', async (direct) => {
      await direct.getRecord(record.taskId, { checkArtifacts: true });
      await direct.dropRecord(record.taskId);
      await direct.putRecord(next);
    });
    await s3.withStore(async (store) => {
      expect(await store.getRecord(record.taskId)).toEqual(next);
    });
  });
});

describe('a network that fails', () => {
  /** The first time that it is asked for. */
  const once = (fault: 'lose-answer' | 'break-body' | 'busy', method: string): void => {
    let isDone = false;
    s3.proxy.faultOf = (seen) => {
      if (isDone || seen.method !== method) return undefined;
      isDone = true;
      return fault;
    };
  };

  it('does not hide from a writer that its document was first', () =>
    s3.withStore(async (store) => {
      once('lose-answer', 'PUT');
      const name = { kind: 'epoch', id: '1' } as const;
      expect(await store.putDocument(name, Buffer.from('mine'))).toBe('created');
      expect(await store.putDocument(name, Buffer.from('mine'))).toBe('exists');
    }));

  it('does not make a writer first that was not', () =>
    s3.withStore(async (store) => {
      const name = { kind: 'epoch', id: '1' } as const;
      await store.putDocument(name, Buffer.from('theirs'));
      once('lose-answer', 'PUT');
      expect(await store.putDocument(name, Buffer.from('mine'))).toBe('exists');
    }));

  it('in mid-answer neither damages nor loses anything', () =>
    s3.withStore(async (store) => {
      const bytes = bytesOf('frame', 3 << 20);
      const digest = await store.putArtifact(bytes);
      once('break-body', 'GET');
      expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
      const folder = await mkdtemp(join(tmpdir(), 'bivdiff-broken-'));
      once('break-body', 'GET');
      await store.getArtifactFile(digest, join(folder, 'out'));
      expect(digestBytes(await readFile(join(folder, 'out')))).toBe(digest);
      s3.proxy.faultOf = ({ method }) => (method === 'GET' ? 'break-body' : undefined);
      await failureOf(store.getArtifact(digest), 'unavailable');
      await failureOf(store.getArtifactFile(digest, join(folder, 'other')), 'unavailable');
      expect(await readdir(folder)).toEqual(['out']);
      await rm(folder, { recursive: true });
      s3.proxy.faultOf = () => undefined;
      expect((await store.usage()).quarantine.count).toBe(0);
    }));

  it('is waited for when busy, but not for ever', () =>
    s3.withStore(async (store) => {
      once('busy', 'PUT');
      await store.putArtifact(bytesOf('frame', 10));
      s3.proxy.faultOf = () => 'busy';
      const error = await failureOf(store.getRecord(taskIdOf('a')), 'unavailable');
      expect(error.message).toContain(s3.place);
      expect(error.retry).toBe('same-worker');
    }));
});

describe('processes', () => {
  it('create each of 100 tasks once when two commit the same', async () => {
    const tasks = 100;
    const children = ['one', 'two'].map((worker) =>
      startChild('store/store-committer.ts', [s3.place, worker, String(tasks)]),
    );
    for (const child of children) await child.lines.next();
    for (const child of children) child.process.stdin.write('go\n');
    const reports = await Promise.all(
      children.map(
        async (child) =>
          JSON.parse((await child.output()).join('')) as {
            readonly created: readonly TaskId[];
            readonly found: Readonly<Record<string, unknown>>;
          },
      ),
    );
    const created = reports.flatMap((report) => report.created);
    expect(created).toHaveLength(tasks);
    expect(new Set(created).size).toBe(tasks);
    await s3.withStore(async (store) => {
      for (const { found } of reports) {
        for (const [taskId, record] of Object.entries(found)) {
          expect(await store.getRecord(taskId as TaskId, { checkArtifacts: true })).toEqual(record);
        }
      }
      expect(await store.verify()).toEqual({
        checkedArtifacts: tasks,
        checkedRecords: tasks,
        problems: [],
      });
    });
  });
});
