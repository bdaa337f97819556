import { expect, it } from 'vitest';

import type { TaskId } from '../../../../common/task.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { JobTally } from '../../../../coordinator/run/job-tally.ts';
import { acceptedJob } from '../../../support/jobs.ts';

it('ends the bar of a task when the next one enters its slot, not when its result is stored', () => {
  const graph = createTaskGraph(createPlan(acceptedJob()));
  let nowMs = 0;
  const tally = new JobTally({
    ...{ graph, wanted: [], slots: () => 2 },
    nowMs: () => nowMs,
    onChange: () => undefined,
  });
  const [first, second] = [0, 1].map((index) => graph.number({ node: 'annotate', index }));
  const begin = (task: number, taskId: string): void => {
    const facts = { taskId: taskId as TaskId, worker: 'w', attempt: 1 };
    tally.event(task, { kind: 'started', ...facts, slot: 0, stage: 'annotate' });
  };
  const end = (task: number, taskId: string): void => {
    const by = { worker: 'w', attempt: 1 };
    const result = { ...by, stage: 'annotate' as const, seconds: 1, busySeconds: 1 };
    tally.event(task, { kind: 'committed', ...by, taskId: taskId as TaskId, result });
  };
  begin(first!, 'aa');
  nowMs = 10;
  begin(second!, 'bb');
  nowMs = 15;
  end(first!, 'aa');
  nowMs = 25;
  end(second!, 'bb');
  expect(tally.spans.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
    [0, 10],
    [10, 25],
  ]);
});

it('judges the time left by the steps that were taken, not by those of a checkpoint', () => {
  const graph = createTaskGraph(createPlan(acceptedJob()));
  const secondsLeftAfter = (doneSteps: number): readonly (number | undefined)[] => {
    let nowMs = 0;
    const tally = new JobTally({
      ...{ graph, slots: () => 1 },
      nowMs: () => nowMs,
      onChange: () => undefined,
    });
    const tasks = [0, 1].map((index) => graph.number({ node: 'smooth', index }));
    tally.surveyed(new Map(), tasks);
    const facts = { taskId: 'aa' as TaskId, worker: 'w' };
    const begun = { ...facts, attempt: 1, slot: 0, stage: 'smooth' as const };
    tally.event(tasks[0]!, { kind: 'started', ...begun, ...(doneSteps > 0 && { doneSteps }) });
    // A second a step.
    nowMs = (8 - doneSteps) * 1000;
    tally.event(tasks[0]!, { kind: 'progress', ...facts, step: 8, steps: 10 });
    const midway = tally.secondsLeft;
    nowMs = (10 - doneSteps) * 1000;
    tally.event(tasks[0]!, { kind: 'progress', ...facts, step: 10, steps: 10 });
    const seconds = nowMs / 1000;
    const by = { worker: 'w', attempt: 1 };
    const result = { ...by, stage: 'smooth' as const, seconds, busySeconds: seconds };
    tally.event(tasks[0]!, { kind: 'committed', ...facts, attempt: 1, result });
    return [midway, tally.secondsLeft];
  };
  const [midway, after] = secondsLeftAfter(0);
  const [midwayResumed, afterResumed] = secondsLeftAfter(6);
  expect(midwayResumed).toBeCloseTo(midway!, 9);
  expect(afterResumed).toBeCloseTo(after!, 9);
});
