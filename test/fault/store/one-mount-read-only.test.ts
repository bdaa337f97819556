// Goal: a worker whose own mount of the store takes nothing any more fails no job: others do its tasks. Method: over the store of one of two
// workers a read-only mount of the same is laid, which that worker alone sees, while it runs a task; it stays there.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { DEFAULT_FAILURE_POLICY } from '../../../coordinator/domain/failure-policy.ts';
import { entering, inMountOfItsOwn } from '../../support/conformance/small-disk.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it('leaves the job to the others', async () => {
  const farm = await farmOf.start({ workers: 1 });
  const readOnly = join(farm.folder, 'read-only');
  await mkdir(readOnly);
  const prefix = await inMountOfItsOwn(
    `mount --bind '${farm.store}' '${readOnly}' && mount -o remount,bind,ro '${readOnly}'`,
  );
  const { child } = farm.startWorker('odd', [], { prefix });
  await farm.seesWorkers(2);
  const running = farm.inTheMiddle('odd');
  const id = await farm.submit();
  await running;
  const [enter = '', ...rest] = entering(child.pid!, prefix);
  const before = farm.events.length;
  await promisify(execFile)(enter, [...rest, 'mount', '--bind', readOnly, farm.store]);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // The fault hit its tasks, and it was left out soon.
  const failed = farm.events.slice(before).filter(({ kind }) => kind === 'failed');
  expect(failed.length).toBeGreaterThan(0);
  for (const event of failed) {
    expect(event).toMatchObject({ worker: 'odd', failure: { code: 'permission-denied' } });
  }
  const ofTask = new Map<string, number>();
  for (const { taskId } of failed) ofTask.set(taskId, (ofTask.get(taskId) ?? 0) + 1);
  expect(Math.max(...ofTask.values())).toBeLessThan(DEFAULT_FAILURE_POLICY.attemptsMax);
  farm.checkHistory();
});
