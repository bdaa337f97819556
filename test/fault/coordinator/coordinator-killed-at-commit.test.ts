// Goal: a coordinator may die between what it commits and what it tells: the next one finds what was committed, and does what follows from it.
// Method: coordinators that kill themselves (SIGKILL), each at one of the named places, from a job's submission to its end.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { FailAt } from '../../support/farm/arm-failure-point.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import { died, killed } from '../../support/farm/farm-program.ts';
import type { FaultFarm } from '../../support/farm/fault-farm.ts';
import { JOB_FLAGS } from '../../support/reference.ts';
import { answers, useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

/** A coordinator that dies there. */
function startArmed(farm: FaultFarm, failAt: FailAt): () => Promise<void> {
  const program = farm.startCoordinator(undefined, { failAt });
  return async () => {
    await died(program);
    expect(program.child.signalCode, program.log()).toBe('SIGKILL');
  };
}

describe('a coordinator that dies where something is committed', () => {
  it('leaves the next one a job that goes on, from its submission to its end', async () => {
    const farm = await farmOf.start();
    await killed(farm.coordinator!.child);
    await startArmed(farm, { point: 'epoch-taken' })();

    let death = startArmed(farm, { point: 'spec-put' });
    await answers(farm);
    const lost = await endOfCli(startCli(['submit', ...JOB_FLAGS, '--server', farm.server]));
    await death();
    expect(lost.code).not.toBe(0);

    // A spec alone is no job: nobody was told that it is one.
    death = startArmed(farm, { point: 'entry-put', of: 'submitted' });
    await answers(farm);
    expect(await farm.client.list()).toEqual([]);
    const unheard = await endOfCli(startCli(['submit', ...JOB_FLAGS, '--server', farm.server]));
    await death();
    expect(unheard.code).not.toBe(0);

    // What was written down is a job, though its submitter was not told.
    death = startArmed(farm, { point: 'manifest-put' });
    await answers(farm);
    const [job] = await farm.client.list();
    expect(job).toBeDefined();
    await death();

    // Nothing is left to do but to say so.
    const begun = farm.starts().size;
    death = startArmed(farm, { point: 'entry-put', of: 'done' });
    await death();
    farm.startCoordinator();
    expect(await farm.finish(job!.id)).toBe(farmOf.reference());
    expect(farm.starts().size).toBe(begun);
    // No worker was lost: each task began once.
    farm.checkHistory();
    expect([...farm.starts().values()].every((count) => count === 1)).toBe(true);
    // Whoever submits it again gets this very job, done.
    expect(await farm.submit()).toBe(job!.id);
    expect((await farm.client.get(job!.id)).state).toBe('done');
  });

  it('has cancelled the job, though it told nobody', async () => {
    const farm = await farmOf.start();
    await killed(farm.coordinator!.child);
    const death = startArmed(farm, { point: 'entry-put', of: 'cancelled' });
    await answers(farm);
    const running = farm.inTheMiddle('w1');
    const id = await farm.submit();
    await running;
    await expect(farm.client.cancel(id)).rejects.toThrow();
    await death();
    farm.startCoordinator();
    await answers(farm);
    expect((await farm.client.get(id)).state).toBe('cancelled');
    // What was out may run to its end; nothing is published after it.
    await farm.until('nothing runs any more', async () => {
      const { workers } = await farm.client.workers();
      return workers.length === 2 && workers.every((worker) => worker.running.length === 0);
    });
    expect((await farm.client.get(id)).state).toBe('cancelled');
    await farm.client.resume(id);
    expect(await farm.finish(id)).toBe(farmOf.reference());
    farm.checkHistory();
  });

  it('has a lost result made again, though it had only forgotten it', async () => {
    const farm = await farmOf.start({ workers: 0 });
    await killed(farm.coordinator!.child);
    const death = startArmed(farm, { point: 'record-dropped' });
    farm.startWorker('maker', ['--no-serve'], { pools: ['idm'] });
    farm.startWorker('reader', ['--no-serve'], { pools: ['mixer', 'vdm'] });
    await farm.seesWorkers(2);
    const made = farm.next((event) => {
      return event.kind === 'committed' && event.result.stage === 'encode';
    });
    const id = await farm.submit();
    const { taskId } = await made;
    const { digest } = Object.values(farm.recordOf(taskId)!.outputs)[0]![0]!;
    farm.strikes({ kind: 'damages', taskId });
    await rm(join(farm.store, 'artifacts', digest.slice(0, 2), digest));
    await death();
    expect(await farm.hasRecord(taskId)).toBe(false);
    farm.startCoordinator();
    expect(await farm.finish(id)).toBe(farmOf.reference());
    // Once more for each reader that has missed it.
    expect(farm.starts().get(taskId)).toBeGreaterThan(1);
    farm.checkHistory();
  });
});
