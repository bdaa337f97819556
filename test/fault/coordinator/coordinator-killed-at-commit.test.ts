// Goal: a coordinator may die between what it commits and what it tells: the next one finds what was committed, and does what follows from it.
// Method: coordinators that kill themselves (SIGKILL), each at one of the named places, from a job's submission to its end.

import { expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import { killed } from '../../support/farm/farm-program.ts';
import { JOB_FLAGS } from '../../support/reference.ts';
import { answers, startArmed, useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

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
