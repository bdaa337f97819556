// The beginning of every plan: frames of the source.

import type { IngestParams } from '../../common/stages.ts';
import type { JobBase } from './job-base.ts';
import { batchLayout, indicesOf } from './layout.ts';
import { planNode } from './plan-node.ts';
import type { PlanNode } from './plan-node.ts';

/** `frames`: those of the source that the job takes, resized. */
export function ingestNode(job: JobBase, kept: Pick<IngestParams, 'alpha'> = {}): PlanNode {
  const { source, width, height, resize } = job;
  const layout = batchLayout(job.frames, job.frameBatch);
  return planNode('ingest', {
    layout,
    params: (index) => ({
      ...{ width, height, resize },
      ...kept,
      sourceIndices: indicesOf(layout.range(index)).map(
        (frame) => source.start + frame * source.stride,
      ),
    }),
    sources: { [source.kind]: source.digest },
  });
}
