// The beginning of every plan: frames of the source, and of what other sources there are.

import assert from 'node:assert/strict';

import type { IngestParams } from '../../common/stages.ts';
import type { JobBase } from './job-base.ts';
import { batchLayout, indicesOf } from './layout.ts';
import type { Layout } from './layout.ts';
import { framesOf, partsOf, planNode } from './plan-node.ts';
import type { NodeInput, PlanNode } from './plan-node.ts';

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
    sources: () => ({ [source.kind]: source.digest }),
  });
}

/** A further source of a plan. */
export interface FurtherFrames {
  readonly node: PlanNode;
  /** What task i of a node cut by `layout` reads of it: one picture for each of its frames. */
  readonly framesOf: (layout: Layout) => NodeInput;
}

/** Of a job's further source `name`, cut as the source is; of one that is still, its one picture. */
export function furtherIngest(job: JobBase, name: string): FurtherFrames {
  const found = job.sources?.[name];
  assert(found !== undefined, `the job has no source ${name}`);
  const sources = () => ({ [found.kind]: found.digest });
  if (found.isStill === undefined) {
    const { layout, params } = ingestNode(job);
    const node = planNode('ingest', {
      ...{ name, layout, sources },
      params: (index) => params(index) as unknown as IngestParams,
    });
    return { node, framesOf: (other) => framesOf({ node, output: 'frames' }, other) };
  }
  const { width, height, resize } = job;
  const node = planNode('ingest', {
    ...{ name, sources },
    layout: { count: 1, range: () => ({ start: 0, count: 1 }), owner: () => 0 },
    params: () => ({ width, height, resize, sourceIndices: [0] }),
  });
  const again = { index: 0, offset: 0, count: 1 };
  return {
    node,
    framesOf: (other) =>
      partsOf({ node, output: 'frames' }, (_, index) =>
        Array.from({ length: other.range(index).count }, () => again),
      ),
  };
}
