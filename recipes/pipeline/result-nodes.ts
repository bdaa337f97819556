// The end of every plan, what a render is for: figures of its quality, and its files.

import { CONTACT_SHEET_COLUMNS_MAX } from '../../common/panel-size.ts';
import type { MeasureParams } from '../../common/stages.ts';
import type { JobBase } from './job-base.ts';
import { batchLayout, partsOfRange, sampleFrames } from './layout.ts';
import type { FrameRange, Layout, LayoutPart } from './layout.ts';
import { partsOf, planNode } from './plan-node.ts';
import type { NodeInput, NodeOutput, PlanNode } from './plan-node.ts';

/** What is compared, by role. */
export interface Shown {
  /** The panels of comparison and contact sheet before the last, `smoothed`. */
  readonly panels: Readonly<Record<string, NodeOutput>>;
  readonly smoothed: NodeOutput;
}

/** Measures what is shown; `params` say how the control was drawn, where there is one. */
export function measureNode(job: JobBase, shown: Shown, params: MeasureParams): PlanNode {
  const layout = batchLayout(job.frames, job.frameBatch);
  // Flicker looks from each frame back to the one before it, which may lie in the batch before.
  const withOneBefore = (made: Layout, index: number): LayoutPart[] => {
    const { start, count } = layout.range(index);
    const before = Math.min(1, start);
    return partsOfRange(made, { start: start - before, count: count + before });
  };
  return planNode('measure', {
    layout,
    params: () => params,
    inputs: rolesOf(shown, (output) => partsOf(output, withOneBefore)),
  });
}

/** One task per output; each reads the frames that it shows. */
export function assembleNode(job: JobBase, { panels, smoothed }: Shown): PlanNode {
  const { frames, outputs } = job;
  const all: FrameRange = { start: 0, count: frames };
  const sampled = sampleFrames(frames, CONTACT_SHEET_COLUMNS_MAX);
  const shown = (made: Layout, index: number): LayoutPart[] =>
    outputs[index]?.layout === 'contact-sheet'
      ? sampled.flatMap((start) => partsOfRange(made, { start, count: 1 }))
      : partsOfRange(made, all);
  const panel = (made: Layout, index: number): LayoutPart[] =>
    outputs[index]?.layout === 'clip' ? [] : shown(made, index);
  const read = Object.entries(panels).map(([role, output]) => [role, partsOf(output, panel)]);
  return planNode('assemble', {
    layout: { count: outputs.length, range: () => all, owner: () => 0 },
    params: (index) => outputs[index]!,
    inputs: {
      ...(Object.fromEntries(read) as Record<string, NodeInput>),
      smoothed: partsOf(smoothed, shown),
    },
  });
}

function rolesOf(
  { panels, smoothed }: Shown,
  read: (output: NodeOutput) => NodeInput,
): Record<string, NodeInput> {
  const roles = Object.entries({ ...panels, smoothed });
  return Object.fromEntries(roles.map(([role, output]) => [role, read(output)]));
}
