// The pictures that a comparison of a rendered job shows, read from the store. Only planned, never run.

import type { AssembleParams } from '../../common/stages.ts';
import type { Store } from '../../common/store/ports.ts';
import type { InputPart } from '../../common/task.ts';
import { createPlan, tasksOfStage } from '../../coordinator/domain/plan.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { readPicture, resolvePictures } from '../../workers/stages/artifacts.ts';
import { BusyClock } from '../../workers/stages/busy-clock.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';

/** What a file of this layout would read of the job, by panel: the planner's own choice of frames. */
export function panelParts(
  job: AcceptedJob,
  layout: Exclude<AssembleParams['layout'], 'clip'>,
): Readonly<Record<string, readonly InputPart[]>> {
  const { framesPerSecond } = job.outputs[0] ?? { framesPerSecond: 8 };
  const format = layout === 'comparison' ? 'mp4' : 'png';
  const plan = createPlan({ ...job, outputs: [{ layout, format, framesPerSecond }] });
  return plan.task(tasksOfStage(plan, 'assemble')[0]!).inputs;
}

/** @throws data-loss — one of them is not in the store any more */
export async function readParts(store: Store, parts: readonly InputPart[]): Promise<RgbImage[]> {
  const codecs = new BusyClock();
  const refs = await resolvePictures(store, parts);
  return Promise.all(refs.map((ref) => readPicture({ store, codecs }, ref)));
}
