// Goal: a long task that is interrupted costs the steps since its last checkpoint, whoever goes on with it. Method: SIGKILL the worker, or
// pause the job, in the middle of smoothing; the next start of the task says after which step it begins.

import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';

import type { WorkerEvent } from '../../../common/bus/ports.ts';
import type { TaskId } from '../../../common/task.ts';
import { checkpointIdOf } from '../../../workers/stages/checkpoints.ts';
import type { FaultFarm } from '../../support/farm/fault-farm.ts';
import { JOB_FLAGS, referenceOf } from '../../support/reference.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const STEPS = 16;
/** Steps of the model that ships take longer, so nearly every one leaves a checkpoint. */
const EVERY_SECONDS = '0.05';
const FLAGS = [...JOB_FLAGS, '--steps', String(STEPS)];

const farmOf = useFarm();
let reference: string;

beforeAll(async () => {
  reference = await referenceOf(FLAGS);
});

async function startFarm(): Promise<FaultFarm> {
  const farm = await farmOf.start({ workers: 0 });
  for (const name of ['w1', 'w2']) farm.startWorker(name, ['--checkpoint-seconds', EVERY_SECONDS]);
  await farm.seesWorkers(2);
  return farm;
}

/** Smoothing is half done, and its first checkpoint long written. */
async function inTheMiddle(farm: FaultFarm): Promise<WorkerEvent & { kind: 'progress' }> {
  const { taskId } = await farm.started('smooth');
  const event = await farm.next((one) => {
    return one.kind === 'progress' && one.taskId === taskId && one.step >= STEPS / 2;
  });
  expect(await farm.hasRecord(taskId)).toBe(false);
  expect(await hasCheckpoint(farm, taskId)).toBe(true);
  return event as WorkerEvent & { kind: 'progress' };
}

/** In either place; the second is looked at last, so one that moves there meanwhile is seen. */
async function hasCheckpoint(farm: FaultFarm, taskId: TaskId): Promise<boolean> {
  for (const place of [0, 1, 0] as const) {
    if (await farm.hasRecord(checkpointIdOf(taskId, place))) return true;
  }
  return false;
}

function startOf(farm: FaultFarm, taskId: string): Promise<WorkerEvent & { kind: 'started' }> {
  return farm.next((event) => event.kind === 'started' && event.taskId === taskId) as Promise<
    WorkerEvent & { kind: 'started' }
  >;
}

it('goes on from the checkpoint of a killed worker', async () => {
  const farm = await startFarm();
  const middle = inTheMiddle(farm);
  const id = await farm.submit(FLAGS);
  const { worker, taskId } = await middle;
  const again = startOf(farm, taskId);
  await farm.killWorker(worker);
  const { doneSteps, worker: other } = await again;
  expect(other).not.toBe(worker);
  expect(doneSteps).toBeGreaterThanOrEqual(1);
  expect(await farm.finish(id)).toBe(reference);
  // Of no use any more.
  expect(await hasCheckpoint(farm, taskId)).toBe(false);
  farm.checkHistory();
});

it('goes on from where a pause has stopped it', async () => {
  const farm = await startFarm();
  const middle = inTheMiddle(farm);
  const id = await farm.submit(FLAGS);
  const { taskId } = await middle;
  const stopped = farm.next((event) => event.kind === 'failed' && event.taskId === taskId);
  await farm.client.pause(id);
  await stopped;
  // What was begun while the pause was on its way has been told; from then on nothing is begun.
  await delay(500);
  const begun = farm.starts();
  await delay(1_000);
  expect(farm.starts()).toEqual(begun);
  const again = startOf(farm, taskId);
  await farm.client.resume(id);
  // It was stopped after the middle, and has left a checkpoint then: at most a step too short to be worth one is lost.
  expect((await again).doneSteps).toBeGreaterThanOrEqual(STEPS / 2 - 1);
  expect(await farm.finish(id)).toBe(reference);
});
