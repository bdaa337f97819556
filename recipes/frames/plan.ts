// Ready-made frames go straight to encode, both inversions and smoothing: the official code's own way to try another image model
// (MCG-NJU/BIVDiff, inference.py:181-195). There is no control, so measured are flicker and drift alone.

import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import type { JobBase } from '../pipeline/job-base.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { ingestNode } from '../pipeline/source-nodes.ts';
import type { RecipePlan } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';

export interface FramesJob extends JobBase {
  readonly task: 'frames';
}

export const frames: RecipePlan<SpecOf<'frames'>, FramesJob> = {
  accept: () => ({ task: 'frames', models: {} }),
  nodes: (job) => {
    const ingest = ingestNode(job);
    const generated = { node: ingest, output: 'frames' };
    const { nodes, smoothed } = bridgeNodes(job, generated);
    const results = { generated, smoothed };
    return [ingest, ...nodes, measureNode(job, results), assembleNode(job, results)];
  },
};
