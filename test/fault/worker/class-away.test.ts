// Goal: workers of one numerics class that go away in the middle of a job hold up nobody else, and the job goes on when such workers come back.
// Method: two jobs of two classes side by side. The workers of one class read of other processors than this machine has: they see a
// /proc/cpuinfo of their own. They are killed in a task, and others come when the other job is done.

import { writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import {
  cpuClass,
  inferenceClass,
  secondCache,
} from '../../../workers/inference/numerics-class.ts';
import { inMountOfItsOwn } from '../../support/conformance/small-disk.ts';
import { killed } from '../../support/farm/farm-program.ts';
import { answers, useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** Of older processors than any that runs this. */
const CPUINFO = 'flags\t\t: avx\nFeatures\t: asimd\n';
const THEIRS = inferenceClass(`cpu:${cpuClass(arch(), CPUINFO, secondCache())}`);

it('goes on when workers of the class are there again, and others do not wait for it', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const cpuinfo = join(farm.folder, 'cpuinfo');
  await writeFile(cpuinfo, CPUINFO);
  const prefix = await inMountOfItsOwn(`mount --bind '${cpuinfo}' /proc/cpuinfo`);
  // A job is of its coordinator's class.
  await killed(farm.coordinator!.child);
  farm.startCoordinator(undefined, {}, ['--numerics', THEIRS]);
  await answers(farm);
  const theirs = await farm.submit();
  await killed(farm.coordinator!.child);
  farm.startCoordinator();
  await answers(farm);
  const ours = await farm.submit();
  expect(theirs).not.toBe(ours);

  const running = farm.inTheMiddle('their-1');
  farm.startWorker('our-1');
  farm.startWorker('their-1', [], { prefix });
  await running;
  await farm.killWorker('their-1');
  const { length: before } = farm.events;
  expect((await farm.client.get(ours)).state).toBe('running');
  await farm.until('it is said what the job waits for', async () => {
    return (await farm.client.get(theirs)).waitingFor.includes(`inference class ${THEIRS} (there:`);
  });
  expect(await farm.finish(ours)).toBe(farmOf.reference());
  const since = farm.events.slice(before);
  expect(since.some(({ kind, worker }) => kind === 'started' && worker === 'our-1')).toBe(true);
  expect(since.map(({ kind }) => kind)).not.toContain('failed');
  expect((await farm.client.get(theirs)).state).toBe('running');

  farm.startWorker('their-2', [], { prefix });
  expect(await farm.finish(theirs)).toBe(farmOf.reference());
  expect((await farm.client.get(theirs)).waitingFor).toBe('');
  // Nobody ran what is another class's.
  for (const event of farm.events) {
    const { numericsClass = '' } = farm.recordOf(event.taskId) ?? {};
    if (event.kind !== 'committed' || !numericsClass.startsWith('cpu:')) continue;
    const isTheirs = numericsClass === THEIRS;
    expect(event.worker.startsWith(isTheirs ? 'their-' : 'our-')).toBe(true);
  }
  farm.checkHistory();
});
