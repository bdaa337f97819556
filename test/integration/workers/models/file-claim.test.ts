import { existsSync } from 'node:fs';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { withClaim } from '../../../../workers/models/file-claim.ts';

let folder: string;
let claim: string;
let worked: string[];
let done: boolean;
const isDone = async (): Promise<boolean> => done;
const worker = (name: string, ms: number) => async (): Promise<void> => {
  worked.push(name);
  await delay(ms);
  done = true;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-claim-'));
  claim = join(folder, 'one.claim');
  worked = [];
  done = false;
});
afterEach(() => rm(folder, { recursive: true }));

it('lets one work, and the others wait for it, however many', async () => {
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(names.map((name) => withClaim(claim, worker(name, 600), { isDone })));
  expect(worked).toHaveLength(1);
  expect(done).toBe(true);
  expect(existsSync(claim)).toBe(false);
});

it('does nothing where it is done', async () => {
  done = true;
  await withClaim(claim, worker('a', 0), { isDone });
  expect(worked).toEqual([]);
});

it('lets the next try where the first fails, and tells the failure to the first', async () => {
  const begun = Promise.withResolvers<undefined>();
  const failing = withClaim(
    claim,
    async () => {
      begun.resolve(undefined);
      await delay(300);
      throw new Error('the disk is full');
    },
    { isDone },
  );
  await begun.promise;
  const next = withClaim(claim, worker('next', 0), { isDone });
  await expect(failing).rejects.toThrow('the disk is full');
  await next;
  expect(worked).toEqual(['next']);
  expect(existsSync(claim)).toBe(false);
});

it('takes the place of one that is heard of no more, and of no other', async () => {
  // By the clock of another machine: only whether it changes counts.
  const elsewhere = new Date('2001-01-01');
  await writeFile(claim, '');
  await utimes(claim, elsewhere, elsewhere);
  const life = new AbortController();
  const other = (async () => {
    for (let beat = 1; !life.signal.aborted; beat += 1) {
      await utimes(claim, elsewhere, new Date(elsewhere.getTime() + beat * 1_000));
      await delay(100);
    }
  })();
  const waiting = withClaim(claim, worker('heir', 0), { isDone, staleMs: 1_000 });
  await delay(2_500);
  expect(worked).toEqual([]);
  life.abort();
  await other;
  await waiting;
  expect(worked).toEqual(['heir']);
});
