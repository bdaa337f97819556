// Goal: a long clip's bytes depend neither on the number of workers nor on how many windows a task has. Method: 512 frames, windows that
// agree at every step, in one process and on farms of real programs; on one farm a worker is killed, one is stopped and goes on, two join,
// and the coordinator is killed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { killed } from '../support/farm/farm-program.ts';
import { JOB_FLAGS, referenceOf } from '../support/reference.ts';
import { useFarm } from '../support/farm/use-farm.ts';
import { makeClip } from '../support/media/made-clip.ts';

const FRAMES = 512;
let folder = '';
let flags: readonly string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-long-'));
  const clip = join(folder, 'clip.mp4');
  await makeClip(clip, FRAMES);
  flags = [
    ...[...JOB_FLAGS, '--input', clip, '--frames', String(FRAMES)],
    ...['--size', '64x64', '--steps', '4', '--long', 'co-denoise'],
  ];
});
afterAll(() => rm(folder, { recursive: true }));
/** Longer than a lease of its task. */
const STOPPED_MS = 15_000;
const JOB_MS = 1_200_000;

describe('a long clip', () => {
  const farmOf = useFarm();
  let reference = '';
  beforeAll(async () => {
    reference = await referenceOf(flags);
  }, JOB_MS);

  it('is the same in one process with four windows a task', { timeout: JOB_MS }, async () => {
    expect(await referenceOf([...flags, '--window-block', '4'])).toBe(reference);
  });

  const cases = [1, 2, 4].flatMap((workers) => [1, 4].map((block) => ({ workers, block })));
  it.each(cases)(
    'is a render’s, with $workers workers and $block windows a task',
    { timeout: JOB_MS },
    async ({ workers, block }) => {
      const farm = await farmOf.start({ workers });
      const id = await farm.submit([...flags, '--window-block', String(block)]);
      expect(await farm.finish(id, JOB_MS)).toBe(reference);
    },
  );

  it(
    'is the same when workers die, stand still and join, and the coordinator dies',
    { timeout: JOB_MS },
    async () => {
      const farm = await farmOf.start({ workers: 3 });
      const smoothing = farm.started('smooth');
      const id = await farm.submit(flags);
      await smoothing;
      await farm.killWorker('w1');
      const still = farm.workers.get('w2')!.child;
      farm.strikes({ kind: 'loses', worker: 'w2' });
      still.kill('SIGSTOP');
      farm.startWorker('w4');
      await delay(STOPPED_MS);
      still.kill('SIGCONT');
      await killed(farm.coordinator!.child);
      farm.startCoordinator();
      farm.startWorker('w5');
      expect(await farm.finish(id, JOB_MS)).toBe(reference);
    },
  );
});
