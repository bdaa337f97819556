// Goal: a list of jobs comes in pages, complete and in order whatever is submitted or deleted meanwhile, and every message about a job is
// bounded whatever the job. Method: jobs written into a store as if rendered; the real server, clients and commands as typed.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FarmClient } from '../../../../cli/farm/farm-client.ts';
import { runCommandLine } from '../../../../cli/program.ts';
import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { Job } from '../../../../common/gen/bivdiff/v1/job.ts';
import type { ArtifactRef, JobId } from '../../../../common/task.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { GuardedFarm, submission } from '../../../support/farm/guarded-farm.ts';
import { picturesOutput, putJob } from '../../../support/farm/put-job.ts';
import { createSampleEnvironment } from '../../../unit/cli/sample-environment.ts';

const BEARERS = {
  alice: { owner: 'alice', roles: ['submit'] },
  bob: { owner: 'bob', roles: ['submit'] },
} as const;

const idOf = (n: number): JobId => digestText(`job ${n}`) as unknown as JobId;

async function pagesOf(client: FarmClient, pageSize: number): Promise<number[][]> {
  const pages: number[][] = [];
  for await (const page of client.pages({ pageSize })) {
    pages.push(page.map(({ name }) => Number(name.slice(3))));
  }
  return pages;
}

let farm: GuardedFarm | undefined;
afterEach(async () => {
  await farm?.close();
  farm = undefined;
});

describe('a list of jobs', () => {
  it('comes in pages, newest first, none twice and none left out, also of one millisecond', async () => {
    farm = await GuardedFarm.start({
      prepare: async (store) => {
        for (let n = 0; n < 23; n += 1) await putJob(store, { id: idOf(n), atMs: n >> 2 });
      },
    });
    const client = await farm.client();
    const whole = (await client.list()).map(({ id }) => id);
    expect(new Set(whole).size).toBe(23);
    for (const pageSize of [1, 2, 7, 22, 23, 24, 1_000, 5_000]) {
      const pages = await pagesOf(client, pageSize);
      expect(pages.map((page) => page.length)).toEqual(
        Array.from({ length: Math.ceil(23 / pageSize) }, (_, i) =>
          Math.min(pageSize, 23 - i * pageSize),
        ),
      );
      expect(pages.flat()).toEqual(pages.flat().toSorted((a, b) => b - a));
      const ids: string[] = [];
      for await (const page of client.pages({ pageSize })) ids.push(...page.map(({ id }) => id));
      expect(ids).toEqual(whole);
    }
    expect(await client.list(5)).toHaveLength(5);
  });

  it('goes on where it was when jobs are submitted and deleted between two pages', async () => {
    farm = await GuardedFarm.start({
      prepare: async (store) => {
        for (let n = 1; n <= 6; n += 1) await putJob(store, { id: idOf(n), atMs: n });
      },
    });
    const client = await farm.client();
    const pages = client.pages({ pageSize: 2 });
    const numbers = async () => {
      const { value } = await pages.next();
      return (value ?? []).map(({ name }) => Number(name.slice(3)));
    };
    expect(await numbers()).toEqual([6, 5]);
    await client.submit(submission(await client.putArtifact(Buffer.from('clip'))));
    await client.delete(idOf(5));
    await client.delete(idOf(3));
    expect(await numbers()).toEqual([4, 2]);
    expect(await numbers()).toEqual([1]);
    expect((await pages.next()).done).toBe(true);
  });

  it('has only the jobs of who asks, in full pages', async () => {
    farm = await GuardedFarm.start({
      bearers: BEARERS,
      prepare: async (store) => {
        for (let n = 1; n <= 9; n += 1) {
          await putJob(store, { id: idOf(n), atMs: n, owner: n % 3 === 0 ? 'bob' : 'alice' });
        }
      },
    });
    expect(await pagesOf(await farm.client('bob'), 2)).toEqual([[9, 6], [3]]);
    expect(await pagesOf(await farm.client('alice'), 4)).toEqual([
      [8, 7, 5, 4],
      [2, 1],
    ]);
  });

  it('refuses sizes and tokens that are none', async () => {
    farm = await GuardedFarm.start();
    const client = await farm.client();
    await failureOf(client.pages({ pageSize: -1 }).next(), 'invalid-argument');
    const { RenderServiceClient } =
      await import('../../../../common/gen/bivdiff/v1/render_service.ts');
    const { credentials } = await import('@grpc/grpc-js');
    const raw = new RenderServiceClient(farm.address, credentials.createInsecure());
    for (const pageToken of ['x', 'bnVsbA', Buffer.from('[1,"../.."]').toString('base64url')]) {
      const error = await new Promise<{ details?: string } | null>((resolve) => {
        raw.listJobs({ pageSize: 1, pageToken }, (failure) => resolve(failure));
      });
      expect(error?.details).toMatch(/^page_token: /);
    }
    raw.close();
  });

  it('keeps every page to a size, whatever the jobs have failed of', async () => {
    const failure = new BivdiffError('internal', 'ü'.repeat(20_000), {
      details: { output: 'x'.repeat(100_000) },
      cause: new BivdiffError('internal', 'y'.repeat(100_000)),
    }).toJSON();
    farm = await GuardedFarm.start({
      prepare: async (store) => {
        const end = { kind: 'failed', failure };
        for (let n = 1; n <= 300; n += 1) await putJob(store, { id: idOf(n), atMs: n, end });
      },
    });
    const client = await farm.client();
    let jobs = 0;
    for await (const page of client.pages({ pageSize: 1_000 })) {
      const bytes = page.map((job) => Job.encode(job).finish().byteLength);
      expect(Math.max(...bytes)).toBeLessThan(16 << 10);
      expect(bytes.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(1 << 20);
      jobs += page.length;
    }
    expect(jobs).toBe(300);
    for await (const job of client.watch(idOf(1)))
      expect(job.failure?.message).toMatch(/^ü.* \.\.\.$/);
  });
});

describe('commands', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-pages-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function run(...words: string[]) {
    const environment = createSampleEnvironment({ folder, server: farm!.address });
    const code = await runCommandLine(words, environment);
    return { code, ...environment.written };
  }

  it('list pages on by itself, as far as it is told, and says that there are more', async () => {
    farm = await GuardedFarm.start({
      prepare: async (store) => {
        for (let n = 1; n <= 1_203; n += 1) await putJob(store, { id: idOf(n), atMs: n });
      },
    });
    const lines = (text: string): number => text.trimEnd().split('\n').length;
    const first = await run('list');
    expect([first.code, lines(first.stdout)]).toEqual([0, 1_000]);
    expect(first.stderr).toBe('there are more than 1000: --limit N, or all\n');
    const all = await run('list', '--limit', 'all');
    expect([lines(all.stdout), all.stderr]).toEqual([1_203, '']);
    expect(lines((await run('list', '--limit', '1102')).stdout)).toBe(1_102);
    const exact = await run('list', '--limit', '1203', '--json');
    expect(JSON.parse(exact.stdout)).toMatchObject({ hasMore: false });
    const some = JSON.parse((await run('list', '--limit', '3', '--json')).stdout) as {
      readonly jobs: readonly { readonly name: string }[];
      readonly hasMore: boolean;
    };
    expect(some.jobs.map(({ name }) => name)).toEqual(['at 1203', 'at 1202', 'at 1201']);
    expect(some.hasMore).toBe(true);
    for (const wrong of ['0', '-1', '1.5', 'many', '']) {
      expect((await run('list', '--limit', wrong)).code).toBe(2);
    }
  });

  it('list, get, watch and fetch a job of 50,500 pictures', async () => {
    const named = 256;
    let few: ArtifactRef[] = [];
    let many: ArtifactRef[] = [];
    farm = await GuardedFarm.start({
      prepare: async (store) => {
        for (let n = 0; n < named + 1; n += 1) {
          const bytes = Buffer.from(`picture ${n}`);
          const digest = await store.putArtifact(bytes);
          few.push({ digest, bytes: bytes.byteLength, type: 'image/png' });
        }
        many = Array.from({ length: 50_500 }, (_, n) => few[n % few.length]!);
        await putJob(store, { id: idOf(1), atMs: 1, outputs: [picturesOutput(many)] });
        await putJob(store, { id: idOf(2), atMs: 2, outputs: [picturesOutput(few)] });
        few = few.slice(0, named);
        await putJob(store, { id: idOf(3), atMs: 3, outputs: [picturesOutput(few)] });
      },
    });
    const client = await farm.client();
    expect(await client.list()).toHaveLength(3);
    const whole = await client.get(idOf(1));
    expect(whole.outputs).toMatchObject([{ artifacts: [], artifactCount: 50_500 }]);
    expect(whole.stages).toMatchObject([{ stage: 'generate', total: 3, run: 2, reused: 1 }]);
    expect(whole.metrics).toEqual([{ name: 'drift', value: 0.5 }]);
    expect(Job.encode(whole).finish().byteLength).toBeLessThan(1_000);
    for await (const job of client.watch(idOf(1))) expect(job).toEqual(whole);
    expect((await client.get(idOf(3))).outputs[0]?.artifacts).toEqual(few);
    const streamed: string[] = [];
    for await (const batch of client.frames(idOf(1), { layout: 'clip' })) {
      const { total, format, frames } = batch;
      expect({ total, format }).toEqual({ total: 50_500, format: 'png-sequence' });
      for (const { artifact } of frames) streamed.push(artifact!.digest);
    }
    expect(streamed).toEqual(many.map(({ digest }) => digest));
    expect((await run('watch', idOf(1))).code).toBe(0);
    expect(await run('fetch', idOf(2), '--output', 'pictures')).toMatchObject({ code: 0 });
    expect(await readdir(join(folder, 'pictures'))).toHaveLength(named + 1);
    await failureOf(client.frames(idOf(1), { layout: 'comparison' }).next(), 'not-found');
    const { id } = await client.submit(submission(await client.putArtifact(Buffer.from('clip'))));
    await failureOf(client.frames(id, { layout: 'clip' }).next(), 'failed-precondition');
  });
});
