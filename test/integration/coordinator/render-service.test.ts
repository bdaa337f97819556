// Goal: what the verbs of a client say about jobs and workers. Method: the commands as typed, in this process, over gRPC to the real
// services; scripted workers.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FarmClient } from '../../../cli/farm/farm-client.ts';
import { runCommandLine } from '../../../cli/program.ts';
import { BivdiffError } from '../../../common/errors.ts';
import { ArtifactServiceService } from '../../../common/gen/bivdiff/v1/artifact_service.ts';
import type { Job } from '../../../common/gen/bivdiff/v1/job.ts';
import type { LogLine } from '../../../common/gen/bivdiff/v1/job_log.ts';
import { RenderServiceService } from '../../../common/gen/bivdiff/v1/render_service.ts';
import { PROTOCOL_VERSION } from '../../../common/protocol-version.ts';
import { createArtifactService } from '../../../coordinator/rpc/artifact-service.ts';
import { createRenderService } from '../../../coordinator/rpc/render-service.ts';
import { taskIdOf } from '../../support/conformance/results.ts';
import { CoordinatorHarness } from '../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../support/jobs.ts';
import { createSampleEnvironment } from '../../unit/cli/sample-environment.ts';

const JOB = acceptedJob({ frameBatch: 1 });
const SUBMISSION = { name: 'star', priority: 50 };

describe('a client', () => {
  let folder = '';
  let address = '';
  let farm: CoordinatorHarness;
  let server: Server;
  let client: FarmClient;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-verbs-'));
    farm = new CoordinatorHarness();
    const { coordinator, workers, store } = farm;
    server = new Server();
    server.addService(
      RenderServiceService,
      createRenderService({
        ...{ coordinator, workers, store, pid: 1, drain: () => undefined },
        accept: () => Promise.resolve(JOB),
      }),
    );
    server.addService(ArtifactServiceService, createArtifactService(store));
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    address = `127.0.0.1:${port}`;
    client = new FarmClient(address);
  });
  afterEach(async () => {
    client.close();
    server.forceShutdown();
    await farm.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(...words: string[]) {
    const environment = createSampleEnvironment({ folder, server: address });
    const code = await runCommandLine(words, environment);
    return { code, ...environment.written };
  }

  const failsFrom = (frame: number) => (task: { stage: string; frames: readonly number[] }) => {
    if (task.stage !== 'decode' || task.frames[0]! < frame) return;
    throw new BivdiffError('invalid-argument', 'this frame cannot be');
  };

  it('of another version is told so', async () => {
    const sourceDigest = '0'.repeat(64);
    const request = {
      spec: undefined,
      sourceKind: 'video',
      sourceDigest,
      sources: [],
      priority: 1,
    };
    for (const protocol of [0, PROTOCOL_VERSION - 1, PROTOCOL_VERSION + 1]) {
      await expect(client.submit({ ...request, protocol })).rejects.toMatchObject({
        code: 'failed-precondition',
        message: `this client speaks protocol ${protocol}, the coordinator ${PROTOCOL_VERSION}`,
        hint: 'Use the same version of bivdiff for both.',
      });
    }
    expect(await client.list()).toEqual([]);
  });

  it('sees which workers are old', async () => {
    farm.addWorker('ours');
    const [ours] = farm.workers.alive;
    farm.workers.note({ ...ours!, name: 'theirs', protocol: PROTOCOL_VERSION - 1 });
    const { stdout } = await run('workers');
    expect(stdout).toMatch(/^ours .*test 1$/m);
    expect(stdout).toMatch(/^theirs .* old$/m);
  });

  it('sees how many slots are busy, whatever a worker has taken ahead of them', async () => {
    farm.addWorker('w');
    const [idle] = farm.workers.alive;
    const busy = ['one', 'two', 'three'].map(taskIdOf);
    farm.workers.note({ ...idle!, name: 'busy', slots: 2, running: busy });
    const { stdout } = await run('workers');
    expect(stdout).toMatch(/^busy +\S+ +2\/2 /m);
    expect(stdout).toMatch(/^w +\S+ +0\/1 /m);
    expect(JSON.parse((await run('workers', '--json')).stdout)).toMatchObject({
      workers: [{ running: busy }, { running: [] }],
    });
  });

  it('sees the shots of a job with cuts, and of others none', async () => {
    const cut = { ...JOB, cuts: [3, 6] };
    const { jobId } = await farm.coordinator.submit(cut, SUBMISSION);
    await farm.until(jobId, 'running');
    expect((await run('get', jobId)).stdout).toMatch(
      /^\S+ {2}running .*\nshots {2}3, from frames 0, 3, 6\n$/,
    );
    const shots = { count: 3, firstFrames: [0, 3, 6] };
    expect(JSON.parse((await run('get', jobId, '--json')).stdout)).toMatchObject({ shots });
    farm.addWorker('w');
    const watched = await run('watch', jobId, '--quiet');
    expect(watched.stdout).toMatch(/^\S+ {2}done .*\nshots {2}3, from frames 0, 3, 6\n$/);
    const { jobId: whole } = await farm.coordinator.submit(JOB, SUBMISSION);
    expect((await run('get', whole)).stdout).not.toContain('shots');
    expect(JSON.parse((await run('get', whole, '--json')).stdout)).not.toHaveProperty('shots');
  });

  it('reads what happened to a job, and what went wrong last', async () => {
    farm.addWorker('w', failsFrom(5));
    const { jobId } = await farm.coordinator.submit(JOB, SUBMISSION);
    await farm.until(jobId, 'failed');
    const { stdout, code } = await run('logs', jobId.slice(0, 12));
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d .*Z {2}submitted as star, priority 50$/);
    expect(lines[1]).toMatch(/Z {2}begun$/);
    expect(lines[2]).toMatch(/ingest of frame 0 begun by w$/);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /decode of frame 5 failed on w: invalid-argument: this frame cannot be$/,
      ),
    );
    expect(lines.at(-1)).toMatch(/failed: decode of frame 5 failed: this frame cannot be$/);
    const asJson = (await run('logs', jobId, '--json')).stdout.trimEnd().split('\n');
    expect(asJson.map((line) => (JSON.parse(line) as LogLine).message)).toEqual(
      lines.map((line) => line.slice(line.indexOf('Z  ') + 3)),
    );
    expect((await run('get', jobId)).stdout).toMatch(/failed .*\n.*decode of frame 5 failed on w/);
    expect(JSON.parse((await run('get', jobId, '--json')).stdout)).toMatchObject({
      state: 'failed',
      lastFailures: [{ kind: 'task-failed', worker: 'w' }, { kind: 'failed' }],
    });
    expect(await run('logs', 'f00')).toMatchObject({ code: 2, stdout: '' });
  });

  it('follows what happens to a job until it is over, each line once and in order', async () => {
    const { jobId } = await farm.coordinator.submit(JOB, SUBMISSION);
    const lines: LogLine[] = [];
    const following = (async () => {
      for await (const line of client.log(jobId, { follow: true })) lines.push(line);
    })();
    await expect.poll(() => lines.length).toBeGreaterThan(0);
    farm.addWorker('w', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    await following;
    expect(lines[0]?.kind).toBe('submitted');
    expect(lines.at(-1)?.kind).toBe('done');
    const all: LogLine[] = [];
    for await (const line of client.log(jobId, { follow: false })) all.push(line);
    expect(lines.map(({ message }) => message).sort()).toEqual(
      all.map(({ message }) => message).sort(),
    );
    expect(lines.map(({ atMs }) => atMs)).toEqual(lines.map(({ atMs }) => atMs).sort());
  });

  it('gets the finished frames of a job that failed, and is told how many there are', async () => {
    farm.addWorker('w', failsFrom(5));
    const { jobId } = await farm.coordinator.submit(JOB, SUBMISSION);
    await farm.until(jobId, 'failed');
    const fetched = await run('fetch', jobId, '--frames', 'frames');
    expect(fetched.stderr).toBe('5 of 8 frames are finished; the job is failed\n');
    expect(fetched).toMatchObject({ code: 0, stdout: `${join(folder, 'frames')}\n` });
    const names = (await readdir(join(folder, 'frames'))).sort();
    expect(names).toEqual([1, 2, 3, 4, 5].map((frame) => `frame-00000${frame}.png`));
    expect(await readFile(join(folder, 'frames', names[4]!), 'utf8')).toMatch(/^result of /);
    const video = await run('fetch', jobId, '--output', 'out.mp4');
    expect(video.stderr).toContain('--frames DIR takes the frames that are finished');
  });

  it('is told that no frame is finished', async () => {
    const { jobId } = await farm.coordinator.submit(JOB, SUBMISSION);
    await farm.coordinator.cancel(jobId);
    const fetched = await run('fetch', jobId, '--frames', 'frames');
    expect(fetched.code).toBe(2);
    expect(fetched.stderr).toContain('is cancelled: none of its 8 frames is finished');
    expect(await readdir(folder)).toEqual([]);
  });

  it('sees how far a job had come when it was paused, resumed and cancelled', async () => {
    const held = Promise.withResolvers<undefined>();
    farm.addWorker('w', async ({ stage, frames }) => {
      if (stage === 'decode' && frames[0]! >= 5) await held.promise;
    });
    const { jobId } = await farm.coordinator.submit(JOB, SUBMISSION);
    const get = async () => JSON.parse((await run('get', jobId, '--json')).stdout) as Job;
    const isFive = ({ stage, run: done }: { stage: string; run: number }): boolean =>
      stage === 'decode' && done === 5;
    await expect.poll(async () => (await get()).stages.some(isFive)).toBe(true);
    const running = await get();
    const { fraction } = running;
    const percent = `${Math.round(fraction * 100)}%`;
    expect(fraction).toBeGreaterThan(0.1);
    expect(fraction).toBeLessThan(1);
    const stages = running.stages.map((counts) => ({ ...counts, running: [] }));

    expect((await run('pause', jobId)).stdout).toMatch(new RegExp(`paused +${percent} `));
    expect(await get()).toMatchObject({ state: 'paused', fraction, stages });
    expect((await run('list')).stdout).toContain(` ${percent} `);
    expect((await run('cancel', jobId)).stdout).toMatch(new RegExp(`cancelled +${percent} `));
    expect(await get()).toMatchObject({ state: 'cancelled', fraction, stages });
    expect((await run('retry', jobId)).stdout).toContain(` ${percent} `);
    expect((await get()).fraction).toBe(fraction);
    // It goes on from there.
    held.resolve(undefined);
    const seen: number[] = [];
    for await (const job of client.watch(jobId)) seen.push(job.fraction);
    expect(seen.every((one) => one >= fraction)).toBe(true);
    expect(await get()).toMatchObject({ state: 'done', fraction: 1 });
  });

  it('deletes a job that is over, and no other', async () => {
    const { jobId } = await farm.coordinator.submit(JOB, SUBMISSION);
    const refused = await run('delete', jobId);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('only one that is over can be deleted');
    expect(refused.stderr).toContain(`bivdiff cancel ${jobId.slice(0, 12)}`);
    await run('cancel', jobId);
    expect(await run('delete', jobId.slice(0, 8))).toMatchObject({
      code: 0,
      stdout: `${jobId.slice(0, 12)}  deleted\n`,
    });
    expect(JSON.parse((await run('list', '--json')).stdout)).toEqual({ jobs: [], hasMore: false });
    expect((await run('get', jobId)).stderr).toContain('no job');
  });
});
