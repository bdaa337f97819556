// Goal: a long clip's bytes depend neither on the number of workers nor on how many windows a task has. Method: all frames of the shipped
// example, windows that agree at every step, in one process and on farms of real programs; on the largest a worker is killed, one is
// stopped and goes on, and one joins.

import { setTimeout as delay } from 'node:timers/promises';

import { beforeAll, describe, expect, it } from 'vitest';

import { JOB_FLAGS, referenceOf } from '../support/reference.ts';
import { useFarm } from '../support/farm/use-farm.ts';

const FLAGS = [
  ...JOB_FLAGS,
  ...['--frames', '64', '--size', '64x64', '--steps', '6', '--long', 'co-denoise'],
];
/** Longer than a lease of its task. */
const STOPPED_MS = 15_000;
const JOB_MS = 900_000;

describe('a long clip', () => {
  const farmOf = useFarm();
  let reference = '';
  beforeAll(async () => {
    reference = await referenceOf(FLAGS);
  }, JOB_MS);

  it('is the same in one process with four windows a task', { timeout: JOB_MS }, async () => {
    expect(await referenceOf([...FLAGS, '--window-block', '4'])).toBe(reference);
  });

  const cases = [1, 2, 4].flatMap((workers) => [1, 4].map((block) => ({ workers, block })));
  it.each(cases)(
    'is a render’s, with $workers workers and $block windows a task',
    { timeout: JOB_MS },
    async ({ workers, block }) => {
      const farm = await farmOf.start({ workers });
      const id = await farm.submit([...FLAGS, '--window-block', String(block)]);
      expect(await farm.finish(id, JOB_MS)).toBe(reference);
    },
  );

  it(
    'is the same when workers die, stand still and join in the middle',
    { timeout: JOB_MS },
    async () => {
      const farm = await farmOf.start({ workers: 3 });
      const smoothing = farm.started('smooth');
      const id = await farm.submit(FLAGS);
      await smoothing;
      await farm.killWorker('w1');
      const still = farm.workers.get('w2')!.child;
      farm.strikes({ kind: 'loses', worker: 'w2' });
      still.kill('SIGSTOP');
      farm.startWorker('w4');
      await delay(STOPPED_MS);
      still.kill('SIGCONT');
      expect(await farm.finish(id, JOB_MS)).toBe(reference);
    },
  );
});
