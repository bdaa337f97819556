// Ready-made frames go straight to encode, both inversions and smoothing: the official code's own way to try another image model
// (MCG-NJU/BIVDiff, inference.py:181-195). There is no control, so measured are flicker and drift alone.

import { keepsAlpha } from '../../common/outputs/output-formats.ts';
import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import type { JobBase } from '../pipeline/job-base.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { ingestNode } from '../pipeline/source-nodes.ts';
import type { RecipePlan } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';

export interface FramesJob extends JobBase {
  readonly task: 'frames';
  /** Present where the frames have alpha and the output can hold it: it goes around the smoothing and comes back at the end. */
  readonly alpha?: true;
}

export const frames: RecipePlan<SpecOf<'frames'>, FramesJob> = {
  accept: ({ spec, source }) => ({
    task: 'frames',
    models: {},
    ...(source.alpha && keepsAlpha(spec.output.format) ? { alpha: true } : {}),
  }),
  nodes: (job) => {
    const ingest = ingestNode(job, job.alpha === undefined ? {} : { alpha: job.alpha });
    const generated = { node: ingest, output: 'frames' };
    const { nodes, smoothed } = bridgeNodes(job, generated);
    const results = { generated, smoothed };
    const alpha = job.alpha === undefined ? undefined : generated;
    const assemble = assembleNode(job, { ...results, alpha });
    return [ingest, ...nodes, measureNode(job, results), assemble];
  },
};
