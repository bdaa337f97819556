// Goal: a long clip's steps, which only workers hold, survive those that hold them: the same bytes, and what is run again is a part.
// Method: SIGKILL a worker, or the coordinator, in the middle of smoothing windows step by step; the events say what began how often.

import { beforeAll, describe, expect, it } from 'vitest';

import type { FaultFarm } from '../../support/farm/fault-farm.ts';
import { answers, useFarm } from '../../support/farm/use-farm.ts';
import { killed } from '../../support/farm/farm-program.ts';
import { JOB_FLAGS, referenceOf } from '../../support/reference.ts';

const STEPS = 12;
/** Windows of 4 at 0, 2, … 12. */
const WINDOWS = 7;
const FLAGS = [
  ...JOB_FLAGS,
  ...['--frames', '16', '--window', '4', '--steps', String(STEPS), '--mixing-ratio', '0'],
  ...['--long', 'co-denoise', '--size', '64x64'],
];

const farmOf = useFarm();
let reference: string;

beforeAll(async () => {
  reference = await referenceOf(FLAGS);
});

/** Smoothing is half done; who has just done a part of it. */
async function inTheMiddle(farm: FaultFarm): Promise<string> {
  let left = (WINDOWS * STEPS) / 2;
  const { worker } = await farm.next((event) => {
    if (event.kind === 'committed' && event.result.stage === 'smooth') left -= 1;
    return left === 0;
  });
  return worker;
}

/** How often a step of smoothing was begun. */
function begun(farm: FaultFarm): number {
  return farm.events.filter((event) => event.kind === 'started' && event.stage === 'smooth').length;
}

/** Records of smoothing in the store. */
async function stored(farm: FaultFarm): Promise<number> {
  const ids = new Set(
    farm.events.flatMap((event) =>
      event.kind === 'started' && event.stage === 'smooth' ? [event.taskId] : [],
    ),
  );
  const records = await Promise.all([...ids].map((id) => farm.hasRecord(id)));
  expect(ids.size).toBe(WINDOWS * STEPS);
  return records.filter(Boolean).length;
}

describe('steps that only workers hold', () => {
  it('give a render’s bytes, and most of them are never stored', async () => {
    const farm = await farmOf.start({ workers: 2 });
    expect(await farm.finish(await farm.submit(FLAGS))).toBe(reference);
    expect(begun(farm)).toBe(WINDOWS * STEPS);
    expect(await stored(farm)).toBeLessThan((WINDOWS * STEPS) / 2);
  });

  it('are run again where their holder was killed, since the last stored ones', async () => {
    const farm = await farmOf.start({ workers: 3 });
    const middle = inTheMiddle(farm);
    const id = await farm.submit(FLAGS);
    await farm.killWorker(await middle);
    farm.startWorker('late');
    expect(await farm.finish(id)).toBe(reference);
    // At most all steps before the middle, once, and what the dead worker had begun.
    expect(begun(farm)).toBeLessThanOrEqual(1.5 * WINDOWS * STEPS + 3);
  });

  it('are run again where the coordinator was killed, which alone knew of them', async () => {
    const farm = await farmOf.start({ workers: 2 });
    const middle = inTheMiddle(farm);
    const id = await farm.submit(FLAGS);
    await middle;
    await killed(farm.coordinator!.child);
    farm.startCoordinator();
    await answers(farm);
    expect(await farm.finish(id)).toBe(reference);
  });

  it('give the same bytes in blocks of several windows', async () => {
    const farm = await farmOf.start({ workers: 2 });
    const id = await farm.submit([...FLAGS, '--window-block', '3']);
    expect(await farm.finish(id)).toBe(reference);
    expect(begun(farm)).toBe(Math.ceil(WINDOWS / 3) * STEPS);
  });
});
