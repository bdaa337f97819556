// What a job's frames were drawn along, and what annotators see in them, as its own plan says that they were measured. Read from the store.

import type { Store } from '../../common/store/ports.ts';
import type { InputPart } from '../../common/task.ts';
import { createPlan, tasksOfStage } from '../../coordinator/domain/plan.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';
import { jointsOfTensor } from '../../workers/pipelines/estimate/joints.ts';
import { gatherInput } from '../../workers/stages/artifacts.ts';
import { BusyClock } from '../../workers/stages/busy-clock.ts';
import type { Joint } from '../../workers/vision/skeleton.ts';
import { readParts } from '../local/job-pictures.ts';
import type { Clip } from './clip.ts';

/** Of a job's clips; those that were not measured are absent. */
export interface FollowedOfJob {
  readonly generated: Pick<Clip, 'control' | 'depth' | 'joints'>;
  readonly smoothed: Pick<Clip, 'control' | 'depth' | 'joints'>;
}

/** @throws data-loss — some of it is not in the store any more */
export async function readFollowed(store: Store, job: AcceptedJob): Promise<FollowedOfJob> {
  const plan = createPlan(job);
  const tasks = tasksOfStage(plan, 'measure').map((ref) => plan.task(ref));
  const { low, high, joints } = tasks[0]?.params ?? {};
  /** But for the first, each task begins with the last frame of the one before. */
  const over = async <T>(
    role: string,
    read: (parts: readonly InputPart[]) => Promise<readonly T[]>,
  ): Promise<readonly T[] | undefined> => {
    const all: T[] = [];
    for (const { inputs, frames } of tasks) {
      const parts = inputs[role];
      if (parts === undefined) return undefined;
      all.push(...(await read(parts)).slice(-frames.length));
    }
    return all;
  };
  const pictures = (role: string): Promise<readonly RgbImage[] | undefined> =>
    over(role, (parts) => readParts(store, parts));
  const skeletons = (role: string): Promise<readonly (readonly Joint[])[] | undefined> =>
    over(role, (parts) => readJoints(store, parts));
  const outlines = await pictures('control');
  const [depth, poses] = [await pictures('depth'), await skeletons('joints')];
  const of = async (panel: 'generated' | 'smoothed') => {
    const ownDepth = await pictures(`${panel}-depth`);
    const ownPoses = await skeletons(`${panel}-joints`);
    return {
      ...(outlines &&
        typeof low === 'number' &&
        typeof high === 'number' && { control: { frames: outlines, low, high } }),
      ...(depth && ownDepth && { depth: { control: depth, own: ownDepth } }),
      ...(poses &&
        ownPoses && { joints: { control: poses, own: ownPoses, threshold: thresholdOf(joints) } }),
    };
  };
  return { generated: await of('generated'), smoothed: await of('smoothed') };
}

/** As MeasureParams has it. */
function thresholdOf(joints: unknown): number {
  return (joints as { readonly threshold: number }).threshold;
}

async function readJoints(
  store: Store,
  parts: readonly InputPart[],
): Promise<readonly (readonly Joint[])[]> {
  const tensor = await gatherInput({ store, codecs: new BusyClock() }, parts);
  return tensor.type === 'float32' ? jointsOfTensor(tensor) : [];
}
