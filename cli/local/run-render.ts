// One render on a running farm: dispatch, progress, metrics, manifest. Knows the bus and the store, not who works.

import type { Bus } from '../../common/bus/ports.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest, Stage } from '../../common/task.ts';
import { runJobAlone } from '../../coordinator/dispatch/run-alone.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import { createPlan } from '../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../coordinator/domain/task-graph.ts';
import type { TaskGraph } from '../../coordinator/domain/task-graph.ts';
import { JobTally } from '../../coordinator/run/job-tally.ts';
import { wantedTasks } from '../../coordinator/run/active-job.ts';
import { systemClock } from '../../coordinator/ports.ts';
import type { SharedHolds } from '../../coordinator/run/shared-holds.ts';
import type {
  Accepted,
  RenderOptions,
  RenderProgress,
  RenderResult,
  StageProgress,
  TaskCounts,
} from '../farm.ts';
import { idleParts, runsOneByOne } from './idle-parts.ts';
import { concludeJob } from '../../coordinator/jobs/conclude-job.ts';
import { programVersions } from '../versions.ts';

export interface RunRender {
  readonly accepted: Accepted;
  readonly store: Store;
  readonly bus: Bus;
  readonly holds: SharedHolds;
  readonly slots: number;
  /** Of each slot. */
  readonly threads: number;
  /** Is told of models that the job has done with, where its stages follow each other. */
  readonly onIdleParts?: (digests: readonly Digest[]) => void;
}

/** Renders a job to its end. @throws BivdiffError — as `Farm.render` */
export async function runRender(render: RunRender, options: RenderOptions): Promise<RenderResult> {
  const { accepted, store, bus, holds, slots } = render;
  const begunMs = performance.now();
  const graph = createTaskGraph(createPlan(accepted.job));
  const wanted = wantedTasks(graph);
  const tellIdle = runsOneByOne(graph.plan) ? idleTeller(render) : undefined;
  const tally = new JobTally({
    graph,
    slots: () => slots,
    nowMs: () => performance.now() - begunMs,
    onChange: () => {
      options.onProgress?.(progressOf(tally));
      tellIdle?.(tally);
    },
  });
  await runJobAlone({
    jobId: accepted.jobId,
    graph,
    wanted,
    store,
    bus,
    holds,
    clock: systemClock,
    policy: DEFAULT_FAILURE_POLICY,
    slotsOf: () => slots,
    observer: tally,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return finish(render, { graph, tally, seconds: (performance.now() - begunMs) / 1000 });
}

function idleTeller({ accepted, onIdleParts }: RunRender): ((tally: JobTally) => void) | undefined {
  if (onIdleParts === undefined) return undefined;
  const takeIdle = idleParts(accepted.job);
  return (tally) => {
    const { left, stages } = tally;
    if (left === undefined) return;
    const idle = takeIdle((stage) => {
      if (left.get(stage)?.tasks === 0) return 'done';
      const hasBegun = (stages.get(stage)?.run ?? 0) > 0 || tally.runningOf(stage).length > 0;
      return hasBegun ? 'begun' : 'ahead';
    });
    if (idle.length > 0) onIdleParts(idle);
  };
}

interface Finished {
  readonly graph: TaskGraph;
  readonly tally: JobTally;
  readonly seconds: number;
}

async function finish(render: RunRender, done: Finished): Promise<RenderResult> {
  const { accepted, store, slots, threads } = render;
  const { graph, tally, seconds } = done;
  const { jobId } = accepted;
  const { outputs, metrics, manifest } = await concludeJob(
    store,
    { jobId, graph, tally },
    { versions: programVersions(), slots: { count: slots, threads } },
  );
  const secondsByStage: Partial<Record<Stage, number>> = {};
  for (const [stage, { seconds: spent }] of tally.stages) secondsByStage[stage] = spent;
  return {
    jobId,
    outputs,
    metrics,
    tasks: countTasks(tally),
    secondsByStage,
    seconds,
    manifest: { ...manifest },
    trace: tally.spans,
  };
}

function countTasks(tally: JobTally): TaskCounts {
  const byStage: Partial<Record<Stage, { run: number; reused: number }>> = {};
  let run = 0;
  let reused = 0;
  for (const [stage, counts] of tally.stages) {
    byStage[stage] = { run: counts.run, reused: counts.reused };
    run += counts.run;
    reused += counts.reused;
  }
  return { run, reused, byStage };
}

function progressOf(tally: JobTally): RenderProgress {
  const stages = [...tally.stages].map(([stage, { total, run, reused }]): StageProgress => {
    return { stage, total, run, reused, running: tally.runningOf(stage) };
  });
  const { fraction, secondsLeft, withoutRoom } = tally;
  const failure = [...withoutRoom.values()].at(-1);
  return {
    ...{ stages, fraction, secondsLeft },
    ...(failure === undefined ? {} : { withoutRoom: { tasks: withoutRoom.size, failure } }),
  };
}
