// What the scaler does with one pool in one state of things: each state is written out.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { numericsKeyOf } from '../../../../common/stage-facts.ts';
import type { JobId, Stage, TaskId } from '../../../../common/task.ts';
import { CompleteList } from '../../../../coordinator/scaling/complete-list.ts';
import type { Decision } from '../../../../coordinator/scaling/decision.ts';
import { FarmView } from '../../../../coordinator/scaling/farm-view.ts';
import type { DeploymentFacts, PodFacts } from '../../../../coordinator/scaling/farm-view.ts';
import { GOING_COST } from '../../../../coordinator/scaling/pool-scaler.ts';
import type { JobAhead } from '../../../../coordinator/scaling/predicted-work.ts';
import { Scaler } from '../../../../coordinator/scaling/scaler.ts';
import type { HeardWorker } from '../../../../coordinator/scaling/worker-pods.ts';
import { simulatedNumerics } from '../../../../coordinator/simulation/tenancy.ts';

const WALL_MS = Date.UTC(2026, 0, 1);
const CLASS = simulatedNumerics('c');

type Does = 'nothing' | 'runs' | 'rests' | 'unheard' | 'unplaced';

interface Seen {
  readonly does: Does;
  readonly cost?: number;
  readonly pod?: Partial<PodFacts>;
}

interface Differences {
  readonly jobs?: readonly JobAhead[];
  readonly deployment?: Partial<DeploymentFacts>;
  readonly viewAgeMs?: number;
  /** Workers whose pods are not listed. */
  readonly alsoHeard?: readonly string[];
}

/** Looks again and again at one pool, of which a test says what it is like. */
class Scene {
  nowMs = 1e6;
  readonly scaler: Scaler;
  /** Of its workers. */
  classOf = CLASS;

  constructor(gpuSecondsMax?: number) {
    this.scaler = new Scaler({
      targetSeconds: 600,
      gpuSecondsMax,
      pools: {
        vdm: {
          ...{ deployment: 'vdm', min: 0, max: 8, slotsPerWorker: 1 },
          ...{ cooldownSeconds: 5, startSeconds: 60 },
        },
      },
    });
  }

  async look(
    pods: Readonly<Record<string, Seen>>,
    { jobs = [], deployment = {}, viewAgeMs = 0, alsoHeard = [] }: Differences = {},
  ): Promise<Decision> {
    const byName = new Map<string, HeardWorker>();
    const facts = Object.entries(pods).map(([name, { does, cost = 0, pod = {} }]): PodFacts => {
      const started = does !== 'unplaced';
      const running = does === 'runs' ? ['t' as TaskId] : [];
      const status = { name, running, draining: does === 'rests', numerics: this.classOf };
      if (started && does !== 'unheard') byName.set(name, { status, heardMs: this.nowMs });
      return {
        ...{
          name,
          uid: name,
          deployment: 'vdm',
          createdAtMs: WALL_MS,
          node: started ? 'n' : undefined,
        },
        ...{ phase: started ? 'Running' : 'Pending', isReady: started, hasStarted: started },
        ...{ isLeaving: false, deletionCost: cost, isHeld: false, ...pod },
      };
    });
    for (const name of alsoHeard) {
      const status = { name, running: [], draining: false, numerics: CLASS };
      byName.set(name, { status, heardMs: this.nowMs });
    }
    const asOfMs = this.nowMs - viewAgeMs;
    const list = <T>(items: readonly T[]): Promise<CompleteList<T>> =>
      CompleteList.collect(
        'test',
        () => asOfMs,
        () => Promise.resolve({ resourceVersion: '1', items }),
      );
    const replicas = facts.length;
    const counts = { replicas, podsCounted: replicas, isRollingOut: false };
    const view = new FarmView({
      pods: await list(facts),
      deployments: await list([{ name: 'vdm', uid: 'vdm', ...counts, ...deployment }]),
    });
    const workers = { byName, listeningSinceMs: 0 };
    const wallMs = WALL_MS + this.nowMs;
    const decision = this.scaler.look({ view, workers, jobs, nowMs: this.nowMs, wallMs });
    this.nowMs += 2_500;
    return decision;
  }

  /** Until idle workers have been so for long enough. */
  async cool(pods: Readonly<Record<string, Seen>>): Promise<Decision> {
    await this.look(pods);
    await this.look(pods);
    return this.look(pods);
  }
}

function jobOf(
  tasks: number,
  secondsEach: number,
  { className = 'c', agoSeconds = 0, nowMs = 1e6 } = {},
): JobAhead {
  const stage: Stage = 'smooth';
  return {
    ...{ jobId: digestText('job') as string as JobId, priority: 0, pixels: 512 * 512 },
    submittedAtMs: WALL_MS + nowMs - agoSeconds * 1000,
    numericsKey: numericsKeyOf(simulatedNumerics(className)),
    left: new Map([[stage, { units: tasks * 100, tasks, total: tasks }]]),
    measured: new Map([[stage, { seconds: 100 * secondsEach, units: 10_000 }]]),
  };
}

const [idle, busy]: Seen[] = [{ does: 'nothing' }, { does: 'runs' }];
const resting: Seen = { does: 'rests' };

describe('the scaler', () => {
  it('has idle workers rest once they are cool, then marks them, and only then lowers replicas', async () => {
    const scene = new Scene();
    const pods = { a: idle!, b: busy! };
    expect((await scene.look(pods)).rest).toEqual([]);
    await scene.look(pods);
    const asked = await scene.look(pods);
    expect(asked).toMatchObject({ rest: ['a'], marks: [{ isHeld: true }], replicas: [] });
    const marked = await scene.look({ ...pods, a: resting });
    expect(marked.marks).toContainEqual(expect.objectContaining({ deletionCost: GOING_COST }));
    expect(marked.replicas).toEqual([]);
    const lowered = await scene.look({ ...pods, a: { ...resting, cost: GOING_COST } });
    expect(lowered.replicas).toMatchObject([{ to: 1 }]);
    expect(lowered.reasons.vdm).toMatch(/^2 -> 1 workers: 1 run nothing, and take nothing more; /);
  });

  it('does not lower replicas before the mark is seen, even where any pod might go', async () => {
    const scene = new Scene();
    await scene.cool({ a: idle! });
    const unmarked = await scene.look({ a: resting });
    expect(unmarked.replicas).toEqual([]);
    expect(unmarked.marks).toMatchObject([{ deletionCost: GOING_COST }]);
    const marked = await scene.look({ a: { ...resting, cost: GOING_COST } });
    expect(marked.replicas).toMatchObject([{ to: 0 }]);
  });

  it('does not lower replicas while another that runs something is marked as much', async () => {
    const scene = new Scene();
    await scene.cool({ a: idle!, b: busy! });
    const marked = { a: { ...resting, cost: GOING_COST }, b: { ...busy!, cost: GOING_COST } };
    const decision = await scene.look(marked);
    expect(decision.replicas).toEqual([]);
    expect(decision.marks).toContainEqual(
      expect.objectContaining({
        pod: expect.objectContaining({ name: 'b' }) as PodFacts,
        deletionCost: 0,
      }),
    );
  });

  it('does not lower replicas while one that runs something would go first since it is not ready', async () => {
    const scene = new Scene();
    await scene.cool({ a: idle!, b: busy! });
    const pods = { a: { ...resting, cost: GOING_COST }, b: { ...busy!, pod: { isReady: false } } };
    expect((await scene.look(pods)).replicas).toEqual([]);
  });

  it('does not lower replicas while a worker that is not heard of would go as soon', async () => {
    const scene = new Scene();
    await scene.cool({ a: idle!, b: idle! });
    const pods = {
      a: { ...resting, cost: GOING_COST },
      b: { does: 'unheard', cost: GOING_COST },
    } as const;
    expect((await scene.look(pods)).replicas).toEqual([]);
  });

  it('does not trust a rest that it did not ask for, or that will be over', async () => {
    const scene = new Scene();
    const pods = { a: { ...resting, cost: GOING_COST } };
    expect((await scene.cool(pods)).replicas).toEqual([]);
    const other = new Scene();
    await other.cool({ a: idle! });
    other.nowMs += 31_000;
    expect((await other.look(pods)).replicas).toEqual([]);
  });

  it('lowers nothing during a rollout', async () => {
    const scene = new Scene();
    await scene.cool({ a: idle! });
    const pods = { a: { ...resting, cost: GOING_COST } };
    const rolling = await scene.look(pods, { deployment: { isRollingOut: true } });
    expect(rolling.replicas).toEqual([]);
    expect(rolling.reasons.vdm).toMatch(/a rollout is under way/);
  });

  it('tells another owner of replicas from a change of its own that was not taken', async () => {
    const scene = new Scene();
    const pods = { a: { ...resting, cost: GOING_COST } };
    await scene.cool({ a: idle! });
    const lowered = await scene.look(pods, { deployment: { generation: 7 } });
    expect(lowered.replicas).toMatchObject([{ to: 0 }]);
    const refused = await scene.look(pods, { deployment: { generation: 7 } });
    expect(refused).toMatchObject({ replicas: [{ to: 0 }], troubles: [] });
    const setBack = await scene.look(pods, { deployment: { generation: 9, replicasSetBy: 'hpa' } });
    expect(setBack.troubles[0]).toMatch(/^"hpa" has set replicas of Deployment vdm from 0 to 1/);
  });

  it('takes back pods that run nowhere where nothing is to be done, if that was seen just now', async () => {
    const pods = { a: { does: 'unplaced' } } as const;
    expect((await new Scene().look(pods)).replicas).toMatchObject([{ to: 0 }]);
    expect((await new Scene().look(pods, { viewAgeMs: 3_000 })).replicas).toEqual([]);
  });

  it('starts the fewest workers that are in time, and counts those that start', async () => {
    const jobs = [jobOf(20, 60)];
    const first = await new Scene().look({}, { jobs });
    // 1,200 s of work in the 600 s of the target less the start: 3 workers.
    expect(first.replicas).toMatchObject([{ to: 3 }]);
    expect(first.reasons.vdm).toMatch(
      /^0 -> 3 workers, .* 1200 s of work for 1 job, the first due in 600 s$/,
    );
    const starting = await new Scene().look(
      { a: { does: 'unplaced' } },
      { jobs, deployment: { replicas: 3 } },
    );
    expect(starting.replicas).toEqual([]);
  });

  it('asks for all that may be where a job is late, and says so', async () => {
    const late = await new Scene().look({}, { jobs: [jobOf(60, 60, { agoSeconds: 500 })] });
    expect(late.replicas[0]!.to).toBeGreaterThan(5);
    expect(late.reasons.vdm).toMatch(/1 will be late even with all workers that may be/);
  });

  it('starts nothing for a class that its workers do not have', async () => {
    const jobs = [jobOf(20, 60, { className: 'other' })];
    const decision = await new Scene().look({ a: busy! }, { jobs });
    expect(decision.replicas).toEqual([]);
    expect(decision.troubles[0]).toMatch(/1 of 1 jobs are of a numerics class/);
  });

  it('starts nothing for a class that its workers no longer have, but for one that they had before they all went', async () => {
    const scene = new Scene();
    const jobs = [jobOf(8, 600)];
    const deployment = { generation: 1 };
    await scene.look({ a: idle! }, { deployment });
    const none = await scene.look({}, { jobs, deployment });
    expect(none.troubles).toEqual([]);
    scene.classOf = simulatedNumerics('other');
    await scene.look({ b: idle! }, { deployment });
    const upgraded = await scene.look({ b: idle! }, { jobs, deployment });
    expect(upgraded.replicas).toEqual([]);
    expect(upgraded.troubles[0]).toMatch(/1 of 1 jobs are of a numerics class/);
  });

  it('starts nothing more once the cap is used up, until the next day', async () => {
    const scene = new Scene(10);
    const jobs = [jobOf(20, 60)];
    const pods = { a: busy!, b: busy! };
    await scene.look(pods);
    scene.nowMs += 10_000;
    const spent = await scene.look(pods, { jobs });
    expect(spent.replicas).toEqual([]);
    expect(spent.troubles[0]).toMatch(/cap of 10 GPU-seconds is used up \(25\)/);
    await scene.look({});
    scene.nowMs += 86_400_000;
    const next = await scene.look({}, { jobs: [jobOf(20, 60, { nowMs: scene.nowMs })] });
    expect(next.replicas).toHaveLength(1);
  });

  it('does not believe lists that lack a pod which the controller counts, or whose worker speaks', async () => {
    const scene = new Scene();
    const counted = await scene.look({ a: idle! }, { deployment: { podsCounted: 2 } });
    expect(counted.troubles).toEqual([
      'Deployment vdm has 2 pods, and 1 were listed: nothing is changed',
    ]);
    expect(counted.reasons).toEqual({});
    await scene.look({ a: idle!, b: idle! });
    // Both lists are of one pod; the other's worker still beats.
    const heard = await scene.look({ a: idle! }, { alsoHeard: ['b'] });
    expect(heard.troubles).toEqual([
      'worker b is heard of, and its pod was not listed: nothing is changed',
    ]);
    // Deleted by force, on a node that lives on: others need not wait for ever.
    scene.nowMs += 60_000;
    const later = await scene.look({ a: idle! }, { alsoHeard: ['b'], jobs: [jobOf(40, 600)] });
    expect(later.reasons.vdm).toMatch(/^1 -> \d workers/);
    expect(heard.reasons).toEqual({});
  });
});
