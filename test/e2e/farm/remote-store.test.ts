// Goal: workers that share no disk with the coordinator render the same bytes, also when it is away for a while. Method: real
// programs; the workers know nothing but the coordinator's address.

import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, inject, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import { killed } from '../../support/farm/farm-program.ts';
import type {} from '../../support/farm/small-reference.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { SMALL_JOB } from '../../support/reference.ts';

/** A coordinator on a machine that is started again. */
const AWAY_MS = 3_000;

describe('workers with the store of their coordinator', () => {
  const { start } = useFarm();

  it('render the bytes of a render in one process, though the coordinator is killed', async () => {
    const farm = await start({
      workers: 2,
      ofWorkers: (server) => ({ store: `grpc://${server}` }),
    });
    const begun = farm.started('generate');
    const id = await farm.submit(SMALL_JOB);
    await begun;
    await killed(farm.coordinator!.child);
    await delay(AWAY_MS);
    farm.startCoordinator();
    expect(await farm.finish(id)).toBe(inject('smallReference'));
    farm.checkHistory();
    expect(farm.events.filter(({ kind }) => kind === 'failed')).toEqual([]);
    for (const { child } of farm.workers.values()) expect(child.exitCode).toBeNull();
  });

  it('are told by preflight whether the coordinator is theirs, and has room for its models', async () => {
    const farm = await start({ workers: 0 });
    const preflight = async (...words: string[]) => endOfCli(startCli(['preflight', ...words]));
    const worker = async (...words: string[]) =>
      preflight('worker', '--store', `grpc://${farm.server}`, '--pool', 'vdm', ...words);
    const marked = await preflight('coordinator', '--store', farm.store, '--farm', 'ours');
    expect(marked.stderr).toBe('');
    expect((await worker('--farm', 'ours', '--memory-gib', '1')).code).toBe(0);
    const small = await worker('--farm', 'ours', '--memory-gib', '0.00001');
    expect(small.stderr).toContain('of weights, and a slot of this worker has');
    const foreign = await worker('--farm', 'theirs', '--wait-seconds', '1');
    expect(foreign.stderr).toContain('no coordinator of the farm theirs');
  });

  it('refuses an address that is none, and other programs that would use it', async () => {
    for (const [words, message] of [
      [['worker', '--pool', 'idm', '--store', 'grpc://nowhere'], 'expected grpc://HOST:PORT'],
      [['coordinator', '--store', 'grpc://a:1'], 'grpc://a:1 is for bivdiff worker only'],
      [['store', 'du', '--store', 'grpc://a:1'], 'grpc://a:1 is for bivdiff worker only'],
    ] as const) {
      const run = await endOfCli(startCli([...words]));
      expect(run.stderr).toContain(message);
      expect(run.code).toBe(2);
    }
  });
});
