import { describe, expect, it } from 'vitest';

import type { JobId, TaskId } from '../../../../common/task.ts';
import { FarmWork } from '../../../../coordinator/dispatch/farm-work.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import type { TaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const A = 'a' as JobId;
const B = 'b' as JobId;
const job = acceptedJob({ frames: 32 });

function graphOf(): TaskGraph {
  return createTaskGraph(createPlan(job));
}

function committed(graph: TaskGraph, task: number, seconds: number) {
  const stage = graph.stage(task);
  const result = { stage, worker: 'w', attempt: 1, seconds, busySeconds: seconds };
  const taskId = String(task) as TaskId;
  return { kind: 'committed', taskId, worker: 'w', attempt: 1, result } as const;
}

const all = ({ size }: TaskGraph): number[] => [...Array(size).keys()];

function total(work: FarmWork): number {
  return [...work.secondsByPool.values()].reduce((sum, seconds) => sum + seconds, 0);
}

describe('the work of a farm', () => {
  it('is that of queued jobs before any of them runs, and nothing once they are gone', () => {
    const work = new FarmWork();
    work.plan(A, job);
    const one = total(work);
    expect(one).toBeGreaterThan(0);
    expect(work.secondsByPool.get('vdm')).toBeGreaterThan(0);
    work.plan(B, job);
    expect(total(work)).toBeCloseTo(2 * one, 9);
    work.plan(B, job);
    expect(total(work)).toBeCloseTo(2 * one, 9);
    work.drop(A);
    expect(total(work)).toBeCloseTo(one, 9);
    work.drop(B);
    expect(work.secondsByPool.size).toBe(0);
  });

  it('is what is missing from the survey on, and less with each result, down to nothing', () => {
    const work = new FarmWork();
    work.plan(A, job);
    const graph = graphOf();
    const follower = work.follow(A, graph);
    const whole = total(work);
    const missing = all(graph).slice(2);
    follower.surveyed(new Map(), missing);
    expect(total(work)).toBeLessThan(whole);
    // Made again after it was lost.
    follower.surveyed(new Map(), [0]);
    for (const task of [0, ...missing]) follower.event(task, committed(graph, task, 1));
    expect(total(work)).toBeCloseTo(0, 9);
    expect(work.has(A)).toBe(true);
  });

  it('is told in the seconds that the like took', () => {
    const work = new FarmWork();
    work.plan(A, job);
    const graph = graphOf();
    const follower = work.follow(A, graph);
    follower.surveyed(new Map(), all(graph));
    const smooths = all(graph).filter((task) => graph.stage(task) === 'smooth');
    follower.event(smooths[0]!, committed(graph, smooths[0]!, 100));
    work.plan(B, job);
    const rest = [A, B].map((id) => work.secondsOfJob(id).get('vdm') ?? 0);
    // Of the inversions nothing was measured: they are as quick as the smoothing by units.
    expect(rest[1]! - rest[0]!).toBeCloseTo(100, 6);
    expect(work.secondsByPool.get('vdm')).toBeCloseTo(rest[0]! + rest[1]!, 6);
  });

  it('learns nothing of how long tasks take from what went on from a checkpoint', () => {
    const work = new FarmWork();
    work.plan(A, job);
    const graph = graphOf();
    const follower = work.follow(A, graph);
    follower.surveyed(new Map(), all(graph));
    const before = work.secondsByPool.get('mixer');
    const [smooth = 0] = all(graph).filter((task) => graph.stage(task) === 'smooth');
    const facts = { taskId: 'x' as TaskId, worker: 'w', attempt: 1, slot: 0 };
    follower.event(smooth, { kind: 'started', ...facts, stage: 'smooth', doneSteps: 40 });
    follower.event(smooth, committed(graph, smooth, 1_000_000));
    expect(work.secondsByPool.get('mixer')).toBe(before);
  });

  it('of a job that another version has accepted is none', () => {
    const work = new FarmWork();
    work.plan(A, { ...job, plannerRevision: 99 });
    expect(work.has(A)).toBe(true);
    expect(total(work)).toBe(0);
  });

  it('tells of tasks that were lost with their worker', () => {
    const heard: unknown[] = [];
    const work = new FarmWork((outcome) => heard.push(outcome));
    work.plan(A, job);
    const graph = graphOf();
    work.follow(A, graph).lost!(0, 'w');
    expect(heard).toEqual([{ kind: 'lost', stage: 'ingest' }]);
  });
});
