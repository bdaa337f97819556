// The finished frames of a job, whether or not it ever came to its end: those whose result is in the store.

import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ArtifactRef, JobId } from '../../common/task.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { wantedFrames } from '../../recipes/pipeline/job-base.ts';
import { createPlan, tasksOfStage } from '../domain/plan.ts';
import type { Plan, TaskRef } from '../domain/plan.ts';
import { mapBounded } from '../map-bounded.ts';

/** Those that make what is shown in the end, by what a plan has of them: the last counts. */
const FRAME_STAGES = ['generate', 'decode', 'compose'] as const;
const LOOKUPS_MAX = 32;
/** Tasks looked up before what was found is given out. */
const TASKS_TOGETHER = 256;

export interface FinishedFrame {
  /** In the clip, from 0. */
  readonly frame: number;
  readonly artifact: ArtifactRef;
}

export interface FrameBatch {
  /** Frames that the job's outputs show, and the first of them in the clip. */
  readonly total: number;
  readonly first: number;
  readonly framesPerSecond: number;
  /** Of the clip, or of the output that was asked for. */
  readonly format: string;
  readonly frames: readonly FinishedFrame[];
}

/** The tasks that make a job's frames as they are shown, in order. */
export function frameTasks(plan: Plan): readonly TaskRef[] {
  const stage = FRAME_STAGES.findLast((one) => plan.nodes.some((node) => node.stage === one));
  return tasksOfStage(plan, stage ?? 'decode');
}

/** In order, those from frame `from` on; one batch at least. @throws data-loss — the accepted spec is gone */
export async function* finishedFrames(
  store: Store,
  jobId: JobId,
  from = 0,
): AsyncGenerator<FrameBatch, void, undefined> {
  const plan = createPlan(await readAcceptedJob(store, jobId));
  const { start, count: total } = wantedFrames(plan.job);
  const { framesPerSecond = 0, format = '' } = plan.job.outputs[0] ?? {};
  const all = frameTasks(plan);
  // The last stays, if only to say how many frames there are.
  const tasks = all.slice(all.findIndex((ref) => plan.lastFrame(ref) >= from));
  for (let at = 0; at < tasks.length; at += TASKS_TOGETHER) {
    const together = tasks.slice(at, at + TASKS_TOGETHER);
    const found = await mapBounded(together, LOOKUPS_MAX, async (ref, index) => {
      const { id, frames } = plan.task(ref);
      const record = await store.getRecord(id, { checkArtifacts: true });
      const artifacts = record?.outputs['frames'] ?? [];
      const made = artifacts.map((artifact, i): FinishedFrame => ({ frame: frames[i]!, artifact }));
      const before = all[all.length - tasks.length + at + index - 1];
      // Where windows overlap, the one before counts.
      const own = before === undefined ? start : Math.max(start, plan.lastFrame(before) + 1);
      const first = Math.max(from, own);
      return made.filter(({ frame }) => frame >= first && frame < start + total);
    });
    yield { total, first: start, framesPerSecond, format, frames: found.flat() };
  }
}

/** @throws data-loss — it is gone, or no JSON */
export async function readAcceptedJob(store: Store, jobId: JobId): Promise<AcceptedJob> {
  const hint = 'Submit it again: results that are in the store are used.';
  const spec = `the accepted spec of job ${jobId.slice(0, 12)}`;
  const bytes = await store.getDocument({ kind: 'spec', id: jobId });
  if (bytes === undefined) {
    throw new BivdiffError('data-loss', `${spec} is not in the store any more`, { hint });
  }
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as AcceptedJob;
  } catch (cause) {
    throw new BivdiffError('data-loss', `${spec} is no JSON`, { hint, cause });
  }
}
