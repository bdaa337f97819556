// Goal: a job reaches its results through failures, lost inputs, cancels and restarts, and runs no task without need.
// Method: the real dispatcher, memory bus and memory store; workers that follow a script instead of computing.

import { afterEach, describe, expect, it } from 'vitest';

import { createMemoryBus } from '../../../../common/bus/memory/index.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { JobId, Stage, TaskId } from '../../../../common/task.ts';
import { runJobAlone } from '../../../../coordinator/dispatch/run-alone.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import { createPlan, tasksOfStage } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import type { TaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { JobTally } from '../../../../coordinator/run/job-tally.ts';
import { systemClock } from '../../../../coordinator/ports.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { runScriptedWorker } from '../../../support/farm/scripted-worker.ts';
import type { ScriptedWorkerOptions } from '../../../support/farm/scripted-worker.ts';

type Script = NonNullable<ScriptedWorkerOptions['script']>;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const graphOf = (changes: Parameters<typeof acceptedJob>[0] = {}): TaskGraph =>
  createTaskGraph(createPlan(acceptedJob(changes)));

/** Renders once with this many scripted workers; gives the tally and what each worker committed. */
async function render(options: {
  readonly graph: TaskGraph;
  readonly store: Store;
  readonly script?: Script;
  readonly workers?: number;
  readonly ackWaitMs?: number;
  readonly signal?: AbortSignal;
}) {
  const { graph, store } = options;
  const bus = createMemoryBus({ ackWaitMs: options.ackWaitMs ?? 10_000 });
  const stop = new AbortController();
  const workers = Array.from({ length: options.workers ?? 2 }, (_, i) =>
    runScriptedWorker(
      { bus, store, name: `w${i}`, ...(options.script && { script: options.script }) },
      stop.signal,
    ),
  );
  const wanted = (['measure', 'assemble'] as const).flatMap((stage) =>
    tasksOfStage(graph.plan, stage).map((ref) => graph.number(ref)),
  );
  const tally = new JobTally({
    graph,
    slots: () => 2,
    nowMs: () => 0,
    onChange: () => undefined,
  });
  const end = async (): Promise<TaskId[]> => {
    stop.abort();
    const committed = (await Promise.all(workers)).flat();
    await bus.close();
    return committed;
  };
  try {
    await runJobAlone({
      jobId: 'job' as JobId,
      graph,
      wanted,
      store,
      bus,
      clock: systemClock,
      policy: { ...DEFAULT_FAILURE_POLICY, retryDelayMs: 1 },
      slotsOf: () => 2,
      observer: tally,
      ...(options.signal && { signal: options.signal }),
    });
  } catch (error) {
    await end();
    throw error;
  }
  return { tally, committed: await end() };
}

const runs = (tally: JobTally, stage: Stage): number => tally.stages.get(stage)?.run ?? 0;

describe('runJobAlone', () => {
  it('runs every task of a fresh job once, inputs before what reads them', async () => {
    const graph = graphOf({ frames: 40 });
    const store = createMemoryStore();
    const { tally, committed } = await render({ graph, store });
    expect(new Set(committed).size).toBe(graph.size);
    expect(committed.length).toBe(graph.size);
    expect([...tally.stages.values()].every((stage) => stage.run === stage.total)).toBe(true);
  });

  it('runs nothing the second time', async () => {
    const graph = graphOf();
    const store = createMemoryStore();
    await render({ graph, store });
    const { tally, committed } = await render({ graph, store });
    expect(committed).toEqual([]);
    expect([...tally.stages.values()].every((stage) => stage.reused === stage.total)).toBe(true);
  });

  it('shares frames and inversions between mixing ratios', async () => {
    const store = createMemoryStore();
    await render({ graph: graphOf({ mixingRatio: 0.5 }), store });
    const { tally } = await render({ graph: graphOf({ mixingRatio: 0.25 }), store });
    expect(runs(tally, 'generate')).toBe(0);
    expect(runs(tally, 'invert-image')).toBe(0);
    expect(runs(tally, 'mix')).toBe(1);
  });

  it('tries a passing failure again and completes', async () => {
    let failures = 0;
    const script: Script = (task, attempt) => {
      if (task.stage !== 'encode' || attempt > 1) return;
      failures += 1;
      throw new BivdiffError('unavailable', 'the disk was busy');
    };
    const graph = graphOf();
    const { committed } = await render({ graph, store: createMemoryStore(), script });
    expect(failures).toBe(2);
    expect(committed.length).toBe(graph.size);
  });

  it('gives a task that a worker broke on to another worker', async () => {
    const graph = graphOf();
    const store = createMemoryStore();
    const tried: string[] = [];
    const script: Script = (task, attempt) => {
      if (task.stage === 'smooth') tried.push(String(attempt));
      if (task.stage === 'smooth' && attempt === 1) throw new BivdiffError('internal', 'it broke');
    };
    await render({ graph, store, script });
    expect(tried).toEqual(['1', '2']);
  });

  it('fails the job with stage, frames and cause when no other attempt can help', async () => {
    const script: Script = (task) => {
      if (task.stage === 'generate') throw new BivdiffError('invalid-argument', 'no such sampler');
    };
    await expect(render({ graph: graphOf(), store: createMemoryStore(), script })).rejects.toThrow(
      /generate of frames \d to \d failed: no such sampler/,
    );
  });

  it('makes a lost input again, then what reads it', async () => {
    const graph = graphOf();
    const store = createMemoryStore();
    await render({ graph, store });
    // Lose the frames of one batch and everything made from them later than the encoding.
    const lost = graph.plan.id({ node: 'encode', index: 1 });
    const record = await store.getRecord(lost);
    for (const stage of [
      'invert-image',
      'invert-video',
      'mix',
      'smooth',
      'decode',
      'measure',
      'assemble',
    ] as const) {
      for (const ref of tasksOfStage(graph.plan, stage)) {
        await store.dropRecord(graph.plan.id(ref));
      }
    }
    let damaged = false;
    const broken: Store = Object.assign(Object.create(store) as Store, {
      getArtifact: async (digest: Parameters<Store['getArtifact']>[0]) => {
        if (!damaged && digest === record?.outputs['latents']?.[0]?.digest) {
          damaged = true;
          throw new BivdiffError('data-loss', 'flipped bit');
        }
        return store.getArtifact(digest);
      },
      getRecord: store.getRecord.bind(store),
      putRecord: store.putRecord.bind(store),
      putArtifact: store.putArtifact.bind(store),
      dropRecord: store.dropRecord.bind(store),
    });
    const { tally } = await render({ graph, store: broken });
    expect(runs(tally, 'encode')).toBe(1);
    expect(runs(tally, 'generate')).toBe(0);
    expect(runs(tally, 'assemble')).toBe(1);
  });

  it('goes on when a worker loses its lease: another has the task', async () => {
    const graph = graphOf();
    let slow = true;
    const script: Script = async (task) => {
      if (task.stage !== 'mix' || !slow) return;
      slow = false;
      await new Promise((resolve) => setTimeout(resolve, 400));
    };
    const store = createMemoryStore();
    const { committed } = await render({ graph, store, script, ackWaitMs: 100 });
    expect(new Set(committed).size).toBe(graph.size);
  });

  it('stops on request and keeps what was committed', async () => {
    const graph = graphOf({ frames: 64 });
    const store = createMemoryStore();
    const stop = new AbortController();
    let count = 0;
    const script: Script = () => {
      count += 1;
      if (count === 20) stop.abort();
    };
    await expect(render({ graph, store, script, signal: stop.signal })).rejects.toThrow(/stopped/);
    const { committed } = await render({ graph, store });
    expect(committed.length).toBeGreaterThan(0);
    expect(committed.length).toBeLessThanOrEqual(graph.size - 18);
  });
});
