// Goal: the README's section on a farm works, and gives the bytes of `render`. Method: the programs as processes, the commands as typed.

import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import type {} from '../../support/farm/small-reference.ts';
import { freePort } from '../../support/network/ports.ts';
import { SMALL_JOB } from '../../support/reference.ts';

const UP_MS = 60_000;

describe('a farm on one machine', () => {
  let folder: string;
  let server: string;
  let up: ReturnType<typeof startCli>;
  let told = '';

  const run = (...words: string[]): Promise<CliRun> =>
    endOfCli(startCli(words, { BIVDIFF_SERVER: server }));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-up-'));
    server = `127.0.0.1:${await freePort()}`;
    const places = ['--listen', server, '--store', join(folder, 'store')];
    up = startCli(['up', '--workers', '2', ...places]);
    up.stdout!.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const deadline = performance.now() + UP_MS;
    while (!told.includes('ready at') && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(told).toContain(`ready at ${server}`);
  });
  afterAll(async () => {
    up.kill('SIGINT');
    const code = await new Promise((resolve) => up.once('exit', resolve));
    await rm(folder, { recursive: true, force: true });
    expect(code).toBe(0);
  });

  it('renders what is submitted, to the bytes of a render in one process', async () => {
    const submitted = await run('submit', ...SMALL_JOB, '--json');
    expect(submitted.code, submitted.stderr).toBe(0);
    const { job } = JSON.parse(submitted.stdout) as { job: string };
    const watched = await run('watch', job, '--json', '--quiet');
    expect(JSON.parse(watched.stdout)).toMatchObject({ id: job, state: 'done', fraction: 1 });
    expect(watched.code).toBe(0);
    const output = join(folder, 'f.mp4');
    const fetched = await run('fetch', job, '--output', output);
    expect(fetched.code, fetched.stderr).toBe(0);
    const sha256 = createHash('sha256')
      .update(await readFile(output))
      .digest('hex');
    expect(sha256).toBe(inject('smallReference'));
    const { workers } = JSON.parse((await run('workers', '--json')).stdout) as {
      workers: { name: string; pid: number; committed: number; loaded: string[] }[];
    };
    expect(workers.map(({ name }) => name)).toEqual(['worker-1', 'worker-2']);
    expect(workers.flatMap(({ loaded }) => loaded)).not.toEqual([]);
    for (const { pid, committed } of workers) {
      expect(told).toContain(`pid ${pid}`);
      expect(committed).toBeGreaterThan(0);
    }
  });

  it('finds the same job when it is submitted again, and runs nothing', async () => {
    const submitted = await run('submit', ...SMALL_JOB, '--json');
    expect(JSON.parse(submitted.stdout)).toMatchObject({ state: 'done' });
    const listed = JSON.parse((await run('list', '--json')).stdout) as { jobs: unknown[] };
    expect(listed.jobs).toHaveLength(1);
  });

  it.each(['retry', 'submit'])(
    'makes a lost output again on %s, and nothing else',
    async (verb) => {
      const submitted = await run('submit', ...SMALL_JOB, '--json');
      const { job } = JSON.parse(submitted.stdout) as { job: string };
      const { outputs } = JSON.parse((await run('get', job, '--json')).stdout) as {
        outputs: { artifacts: { digest: string }[] }[];
      };
      const begun = async (): Promise<string[]> => {
        const { stdout } = await run('logs', job);
        return stdout.split('\n').filter((line) => line.includes(' begun by '));
      };
      const before = (await begun()).length;
      const again = (): Promise<CliRun> =>
        run(...(verb === 'retry' ? [verb, job] : [verb, ...SMALL_JOB]));
      if (verb === 'retry') expect((await again()).stderr).toContain('there is nothing to resume');
      const { digest } = outputs[0]!.artifacts[0]!;
      const path = join(folder, 'store/artifacts', digest.slice(0, 2), digest);
      const bytes = await readFile(path);
      bytes[bytes.length >> 1]! ^= 1;
      await chmod(path, 0o644);
      await writeFile(path, bytes);
      const damaged = await run('fetch', job, '--output', join(folder, `${verb}-damaged.mp4`));
      expect(damaged.code).toBe(1);
      expect(damaged.stderr).toContain('is damaged');
      expect(damaged.stderr).toContain('bivdiff retry');
      expect((await again()).code).toBe(0);
      const watched = JSON.parse((await run('watch', job, '--json', '--quiet')).stdout) as {
        state: string;
      };
      expect(watched.state).toBe('done');
      const output = join(folder, `${verb}.mp4`);
      expect((await run('fetch', job, '--output', output)).code).toBe(0);
      expect(
        createHash('sha256')
          .update(await readFile(output))
          .digest('hex'),
      ).toBe(digest);
      const ofOutput = (await begun()).filter((line) => line.includes('assemble'));
      expect(ofOutput).toHaveLength(verb === 'retry' ? 2 : 3);
      expect((await begun()).length).toBe(before + 1);
    },
  );

  it('pauses, resumes and cancels a job', async () => {
    const flags = [...SMALL_JOB, '--seed', '8', '--steps', '50'];
    const { job } = JSON.parse((await run('submit', ...flags, '--json')).stdout) as { job: string };
    expect((await run('pause', job)).stdout).toContain('paused');
    expect((await run('resume', job)).stdout).toMatch(/ (queued|running) /);
    expect((await run('priority', job, '90')).stdout).toContain('priority 90');
    const cancelled = await run('cancel', job);
    expect(cancelled.stdout).toContain('cancelled');
    const again = await run('cancel', job);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('error: the job is cancelled already');
    const fetched = await run('fetch', job, '--output', join(folder, 'none.mp4'));
    expect(fetched.stderr).toContain('is cancelled: it has no files yet');
  });

  it('tells every mistake by its name', async () => {
    const bad = await run(
      'submit',
      '--task',
      'controlnet',
      '--input',
      '/none.mp4',
      '--prompt',
      'x',
    );
    expect(bad.stderr).toContain('/none.mp4');
    expect(bad.code).toBe(2);
    const many = await run('submit', ...SMALL_JOB, '--frames', '9999', '--size', '100x100');
    expect(many.stderr).toContain('frames');
    expect(many.stderr).toContain('size');
    const models = await run('submit', ...SMALL_JOB, '--models', 'nosuch');
    expect(models.stderr).toContain('error: --models: no model set nosuch; this farm has: demo');
    expect(models.code).toBe(2);
    expect((await run('get', 'f00')).stderr).toContain('no job f00');
    expect((await run('drain', 'nobody')).stderr).toContain('no worker nobody');
    const lone = await run('list', '--server', '127.0.0.1:9');
    expect(lone.stderr).toContain('no coordinator answers at 127.0.0.1:9');
  });
});
