// Goal: a worker may die between what it commits and what it tells: nothing is lost, and what is committed is not made again. Method: workers
// that kill themselves (SIGKILL), each at one of the named places, in the one task of a stage; one comes after the other.

import { expect, it } from 'vitest';

import type { TaskId } from '../../../common/task.ts';
import type { FailAt } from '../../support/farm/arm-failure-point.ts';
import { died } from '../../support/farm/farm-program.ts';
import type { FaultFarm } from '../../support/farm/fault-farm.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** Steps take longer, so each leaves a checkpoint. */
const CHECKPOINTS = ['--checkpoint-seconds', '0.001'];

interface Death extends FailAt {
  readonly of: 'encode' | 'invert-video' | 'mix' | 'smooth';
  /** Whether its task has a record then. */
  readonly hasRecord: boolean;
  /** Whether the one that dies has said that the task is committed. */
  readonly hasTold: boolean;
}

/** By who dies there. */
const DEATHS: Readonly<Record<string, Death>> = {
  w1: { point: 'artifacts-put', of: 'encode', hasRecord: false, hasTold: false },
  // The next steps' checkpoint is there, and the last one's too.
  w2: {
    ...{ point: 'checkpoint-put', of: 'invert-video', pass: 2 },
    ...{ hasRecord: false, hasTold: false },
  },
  w3: { point: 'record-put', of: 'mix', hasRecord: true, hasTold: false },
  w4: { point: 'result-told', of: 'smooth', hasRecord: true, hasTold: true },
};

it('renders the same when workers die wherever something is committed', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const tasks = new Map<string, TaskId>();
  let id: string | undefined;
  for (const [name, { of, hasRecord, ...failAt }] of Object.entries(DEATHS)) {
    const begun = farm.next(
      (event) => event.kind === 'started' && event.worker === name && event.stage === of,
    );
    const program = farm.startWorker(name, CHECKPOINTS, { failAt: { ...failAt, of } });
    id ??= await farm.submit();
    const { taskId } = await begun;
    await died(program);
    expect(program.child.signalCode).toBe('SIGKILL');
    farm.strikes({ kind: 'loses', worker: name });
    expect(await farm.hasRecord(taskId), `${name} at ${failAt.point}`).toBe(hasRecord);
    tasks.set(name, taskId);
  }
  farm.startWorker('w5', CHECKPOINTS);
  expect(await farm.finish(id!)).toBe(farmOf.reference());
  for (const [name, { hasRecord, hasTold }] of Object.entries(DEATHS)) {
    const taskId = tasks.get(name)!;
    // A message was the dead one's until its lease lapsed; where the result is there it is answered from the store. Who has it then depends
    // on how soon the next one came.
    await farm.until(`another tells what ${name} was at`, async () => {
      return [...tellersOf(farm, taskId)].some((teller) => teller !== name);
    });
    expect(tellersOf(farm, taskId).has(name), `${name} has told`).toBe(hasTold);
    const starts = farm.starts().get(taskId)!;
    if (hasRecord) expect(starts, `${name}'s task`).toBe(1);
    else expect(starts, `${name}'s task`).toBeGreaterThan(1);
  }
  // Not from the beginning.
  const resumed = farm.events.findLast(
    (event) => event.kind === 'started' && event.taskId === tasks.get('w2'),
  );
  expect(resumed).toMatchObject({ doneSteps: 2 });
  expect(resumed?.worker).not.toBe('w2');
  farm.checkHistory();
});

function tellersOf({ events }: FaultFarm, taskId: TaskId): ReadonlySet<string> {
  const ends = events.filter((event) => event.kind === 'committed' && event.taskId === taskId);
  return new Set(ends.map(({ worker }) => worker));
}
