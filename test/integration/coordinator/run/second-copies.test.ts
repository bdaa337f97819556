// Goal: a worker that is far slower than others holds up no job, and a copy that fails harms none. Method: the real coordinator, memory
// bus and memory store; a scripted worker that keeps a task until it is let go.

import { afterEach, describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import type { Task } from '../../../../common/task.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import type { TaskEvent } from '../../../../coordinator/jobs/job-history.ts';
import { CoordinatorHarness } from '../../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../../support/jobs.ts';

/** Many tasks in each stage of frames. */
const JOB = acceptedJob({ frames: 32, frameBatch: 2, window: 8 });
const policy = { ...DEFAULT_FAILURE_POLICY, retryDelayMs: 1, copyAfterMs: 200 };

/** Keeps the first task of `generate` that it gets until it is let go. */
function keeper() {
  const { promise: letGo, resolve } = Promise.withResolvers<undefined>();
  const kept: Task[] = [];
  const script = async (task: Task): Promise<void> => {
    if (task.stage !== 'generate' || kept.length > 0) return;
    kept.push(task);
    await letGo;
  };
  return {
    kept,
    script,
    letGo: () => {
      resolve(undefined);
    },
  };
}

describe('a task that one worker takes far too long for', () => {
  let farm: CoordinatorHarness;
  let slow: ReturnType<typeof keeper>;
  afterEach(async () => {
    slow.letGo();
    await farm.close();
  });
  const start = (ofPolicy = policy): void => {
    farm = new CoordinatorHarness({ policy: ofPolicy });
    slow = keeper();
    farm.addWorker('slow', slow.script);
  };
  const historyOf = (id: string): Promise<readonly TaskEvent[]> =>
    farm.coordinator.logOf(id).history.read();

  it('is done by an idle one, and stopped', async () => {
    start();
    farm.addWorker('quick');
    const { jobId } = await farm.coordinator.submit(JOB, { name: '', priority: 0 });
    await farm.until(jobId, 'done');
    const [task] = slow.kept;
    const events = (await historyOf(jobId)).filter(({ taskId }) => taskId === task?.id);
    expect(events.map(({ kind, worker }) => `${kind} ${worker}`)).toEqual([
      'begun slow',
      'copied slow',
      'begun quick',
    ]);
    expect((await farm.store.getRecord(task!.id))?.worker).toBe('quick');
    const stopped = farm.bus.events(AbortSignal.timeout(5_000))[Symbol.asyncIterator]().next();
    slow.letGo();
    expect((await stopped).value).toMatchObject({
      ...{ kind: 'failed', worker: 'slow', taskId: task?.id, failure: { code: 'cancelled' } },
    });
  });

  it('is not copied where nobody else could take it', async () => {
    start();
    const { jobId } = await farm.coordinator.submit(JOB, { name: '', priority: 0 });
    await expect(farm.until(jobId, 'done', 2_500)).rejects.toThrow('job is running');
    const copied = (await historyOf(jobId)).filter(({ kind }) => kind === 'copied');
    expect(copied).toEqual([]);
    slow.letGo();
    await farm.until(jobId, 'done');
  });

  it('is waited for when its copy fails, and that is no attempt of its own', async () => {
    // One that counts would be the last.
    start({ ...policy, attemptsMax: 2 });
    let copies = 0;
    farm.addWorker('quick', ({ id }) => {
      if (id !== slow.kept[0]?.id) return;
      copies += 1;
      slow.letGo();
      throw new BivdiffError('internal', 'the lane broke');
    });
    const { jobId } = await farm.coordinator.submit(JOB, { name: '', priority: 0 });
    await farm.until(jobId, 'done');
    expect(copies).toBe(1);
  });
});
