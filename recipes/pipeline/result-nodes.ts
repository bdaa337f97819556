// The end of every plan, what a render is for: figures of its quality, and its files.

import { CONTACT_SHEET_COLUMNS_MAX } from '../../common/outputs/panel-size.ts';
import type { AnnotateParams } from '../../common/stages.ts';
import type { JobBase } from './job-base.ts';
import { batchLayout, partsOfRange, sampleFrames } from './layout.ts';
import type { FrameRange, Layout, LayoutPart } from './layout.ts';
import { partsOf, planNode } from './plan-node.ts';
import type { NodeInput, NodeOutput, PlanNode } from './plan-node.ts';

/** The frames of a render before and after the bridge. */
export interface Results {
  readonly generated: NodeOutput;
  readonly smoothed: NodeOutput;
}

/** Outlines of the source, and how they were drawn. */
export interface Outlines {
  readonly pictures: NodeOutput;
  readonly params: AnnotateParams;
}

/** Flicker, drift and, where the frames were drawn along outlines, how well their edges keep to these. */
export function measureNode(job: JobBase, results: Results, outlines?: Outlines): PlanNode {
  const layout = batchLayout(job.frames, job.frameBatch);
  // Flicker looks from each frame back to the one before it, which may lie in the batch before.
  const withOneBefore = (made: Layout, index: number): LayoutPart[] => {
    const { start, count } = layout.range(index);
    const before = Math.min(1, start);
    return partsOfRange(made, { start: start - before, count: count + before });
  };
  return planNode('measure', {
    layout,
    params: () => outlines?.params ?? {},
    inputs: rolesOf({ ...(outlines && { control: outlines.pictures }), ...results }, (output) =>
      partsOf(output, withOneBefore),
    ),
  });
}

/** What the files show; `generated` only beside frames that were made of it, `alpha` a clip's. */
export interface Shown extends Pick<Results, 'smoothed'> {
  readonly generated?: NodeOutput;
  readonly alpha?: NodeOutput | undefined;
}

/** One task per output; each reads the frames that it shows. `panels`: those that the recipe's spec names, by role. */
export function assembleNode(
  job: JobBase,
  { generated, smoothed, alpha }: Shown,
  panels: Readonly<Record<string, NodeOutput>> = {},
): PlanNode {
  const { frames, outputs } = job;
  const all: FrameRange = { start: 0, count: frames };
  const sampled = sampleFrames(frames, CONTACT_SHEET_COLUMNS_MAX);
  const shown = (made: Layout, index: number): LayoutPart[] =>
    outputs[index]?.layout === 'contact-sheet'
      ? sampled.flatMap((start) => partsOfRange(made, { start, count: 1 }))
      : partsOfRange(made, all);
  const panel = (made: Layout, index: number): LayoutPart[] =>
    outputs[index]?.layout === 'clip' ? [] : shown(made, index);
  const clip = (made: Layout, index: number): LayoutPart[] =>
    outputs[index]?.layout === 'clip' ? shown(made, index) : [];
  return planNode('assemble', {
    layout: { count: outputs.length, range: () => all, owner: () => 0 },
    params: (index) => outputs[index]!,
    inputs: {
      ...rolesOf({ ...panels, ...(generated && { generated }) }, (output) =>
        partsOf(output, panel),
      ),
      smoothed: partsOf(smoothed, shown),
      ...(alpha === undefined ? {} : { alpha: partsOf(alpha, clip) }),
    },
  });
}

function rolesOf(
  outputs: Readonly<Record<string, NodeOutput>>,
  read: (output: NodeOutput) => NodeInput,
): Record<string, NodeInput> {
  const roles = Object.entries(outputs);
  return Object.fromEntries(roles.map(([role, output]) => [role, read(output)]));
}
