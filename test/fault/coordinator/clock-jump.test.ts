// Goal: wall clocks are for people; nothing waits by them. Method: the wall clock of the workers, or of the coordinator, jumps an hour
// ahead in mid-render, and back behind the right time later. What these processes wrote down must show the jumps.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import type { WorkerEvent } from '../../../common/bus/ports.ts';
import type { FaultFarm } from '../../support/farm/fault-farm.ts';
import { killed } from '../../support/farm/farm-program.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { createWallClock } from '../../support/farm/wall-clock.ts';

const farmOf = useFarm();
const HOUR_S = 3_600;
const JUMPS_S = [HOUR_S, -HOUR_S, 0] as const;

it("does not mind the workers' clocks", async () => {
  const farm = await farmOf.start({ workers: 0 });
  const clock = await createWallClock(farm.folder);
  for (const name of ['w1', 'w2']) farm.startWorker(name, [], { env: clock.env });
  await farm.seesWorkers(2);
  const first = farm.inTheMiddle('w1');
  const id = await farm.submit();
  await first;
  const seen: number[] = [];
  for (const jump of JUMPS_S) {
    await clock.set(jump);
    // What runs now began before the jump, and word of some beginnings may be on its way; what begins next shows it.
    const end = await farm.next(
      (event) => event.kind === 'committed' && startedHoursAhead(farm, event) === jump / HOUR_S,
    );
    seen.push(startedHoursAhead(farm, end));
  }
  expect(seen).toEqual([1, -1, 0]);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  for (const event of farm.events) {
    if (event.kind !== 'committed') continue;
    expect(event.result.seconds).toBeGreaterThanOrEqual(0);
    expect(event.result.seconds).toBeLessThan(60);
  }
  farm.checkHistory();
});

it("does not mind the coordinator's clock", async () => {
  const farm = await farmOf.start();
  const clock = await createWallClock(farm.folder);
  await killed(farm.coordinator!.child);
  farm.startCoordinator(undefined, { env: clock.env });
  await farm.seesWorkers(2);
  const running = farm.inTheMiddle('w1');
  const id = await farm.submit();
  await running;
  const seen: number[] = [];
  for (const [index, jump] of JUMPS_S.entries()) {
    await clock.set(jump);
    await farm.client.setPriority(id, 10 + index);
    seen.push(hoursAhead(await lastEntryMs(farm, id)));
    await farm.next((event) => event.kind === 'committed');
    expect((await farm.client.get(id)).state).toBe('running');
  }
  expect(seen).toEqual([1, -1, 0]);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});

function startedHoursAhead(farm: FaultFarm, { taskId }: WorkerEvent): number {
  return hoursAhead(Date.parse(farm.recordOf(taskId)!.startedAt));
}

function hoursAhead(atMs: number): number {
  // Not minus zero.
  return Math.round((atMs - Date.now()) / 1000 / HOUR_S) + 0;
}

/** When the coordinator believes that it wrote the last entry of the job's log. */
async function lastEntryMs(farm: FaultFarm, id: string): Promise<number> {
  const folder = join(farm.store, 'documents/job-event', id);
  const last = (await readdir(folder)).toSorted().at(-1);
  const text = await readFile(join(folder, last!), 'utf8');
  return Number(/"atMs":(\d+)/.exec(text)?.[1]);
}
