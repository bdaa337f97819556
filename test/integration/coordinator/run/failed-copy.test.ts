// Goal: a second copy that finds an input lost does not end a run that had it. Method: the real run, memory bus and memory store; events by
// hand.

import { beforeEach, describe, expect, it } from 'vitest';

import { createMemoryBus } from '../../../../common/bus/memory/index.ts';
import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { JobId, TaskId } from '../../../../common/task.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import type { JobRun } from '../../../../coordinator/run/job-run.ts';
import { PublishedTasks } from '../../../../coordinator/run/published-tasks.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { openJobRun, started } from './open-job-run.ts';

const plan = createPlan(acceptedJob({ frames: 40, frameBatch: 4 }));
const idOf = (index: number): TaskId => plan.id({ node: 'ingest', index });
const SLOW = idOf(9);

let run: JobRun;

function lost(worker: string, attempt: number): WorkerEvent {
  const failure = new BivdiffError('data-loss', 'gone', { details: { lostTasks: [idOf(0)] } });
  return { kind: 'failed', taskId: SLOW, worker, attempt, failure: failure.toJSON() };
}

/** All ingest tasks but one are done; that has two runs. */
beforeEach(async () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, after: () => () => undefined };
  const farm = { store: createMemoryStore(), bus: createMemoryBus({ ackWaitMs: 10_000 }), clock };
  const names = (): ReadonlySet<string> => new Set(['w', 'other']);
  const workers = { workersOf: names, idleOf: names, memoryOf: () => 8, setAside: () => [] };
  const out = new PublishedTasks({ ...farm, slotsOf: () => 100, workersOf: names });
  const opened = openJobRun('job' as JobId, { ...farm, out, workers }, plan);
  run = opened.run;
  await opened.start();
  for (let index = 0; index < 10; index += 1) run.publishNext('any');
  for (let index = 0; index < 9; index += 1) {
    const by = { worker: 'other', attempt: 1 };
    const result = { ...by, stage: 'ingest', seconds: 1, busySeconds: 1 } as const;
    await run.handle({ ...by, kind: 'committed', taskId: idOf(index), result });
  }
  await run.handle(started(SLOW, 'w'));
  nowMs += 60_000;
  run.publishCopies();
  await out.settled();
});

describe('a copy that finds an input lost', () => {
  it('is forgotten while the first run goes on, whose result counts', async () => {
    await run.handle(lost('other', 2));
    expect(run.failure).toBeUndefined();
    expect(run.hasOut(SLOW)).toBe(true);
    const by = { worker: 'w', attempt: 1 };
    const result = { ...by, stage: 'ingest', seconds: 60, busySeconds: 1 } as const;
    await run.handle({ ...by, kind: 'committed', taskId: SLOW, result });
    expect(run.hasOut(SLOW)).toBe(false);
    expect(run.failure).toBeUndefined();
  });

  it('is believed when the first run finds so too', async () => {
    await run.handle(lost('other', 2));
    await run.handle(lost('w', 1));
    // An ingest task reads of no other: nothing can be made again.
    expect(run.failure).toMatchObject({ code: 'data-loss' });
  });
});
