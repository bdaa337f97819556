// The end of every plan, what a render is for: figures of its quality, and its files.

import { CONTACT_SHEET_COLUMNS_MAX } from '../../common/outputs/panel-size.ts';
import type { AnnotateParams, MeasureParams } from '../../common/stages.ts';
import type { Digest } from '../../common/task.ts';
import { wantedFrames } from './job-base.ts';
import type { JobBase } from './job-base.ts';
import { batchLayout, partsOfRange, sampleFrames } from './layout.ts';
import type { FrameRange, Layout, LayoutPart } from './layout.ts';
import { partsOf, planNode } from './plan-node.ts';
import type { NodeInput, NodeOutput, PlanNode } from './plan-node.ts';
import { cutsOf, seamsOf } from './windowing.ts';
import type { FramesIn } from './windowing.ts';

/** The frames of a render before and after the bridge. */
export interface Results {
  readonly generated: NodeOutput;
  readonly smoothed: NodeOutput;
}

/** What frames were drawn along, of each kind one, and how it was drawn. */
export interface Followed {
  readonly outlines?: { readonly pictures: NodeOutput; readonly params: AnnotateParams };
  readonly depth?: Seen;
  readonly joints?: Seen & { readonly threshold: number };
}

/** What one annotator sees in the source and in the results. */
export interface Seen extends Results {
  readonly source: NodeOutput;
}

/** Flicker, drift and how well the frames keep to what they were drawn along. */
export function measureNode(job: JobBase, results: Results, followed: Followed = {}): PlanNode {
  const { outlines, depth, joints } = followed;
  const seen: MeasureParams = {
    ...(depth && { depth: true }),
    ...(joints && { joints: { threshold: joints.threshold } }),
  };
  const wanted = wantedFrames(job);
  const layout = batchesOver(wanted, job);
  const [seamsIn, cutsIn] = [seamsOf(job), cutsOf(job)];
  /** Between the frame and one before it that is wanted too. */
  const pairs = (framesIn: FramesIn, range: FrameRange): number[] =>
    framesIn(range)
      .filter((frame) => frame > wanted.start)
      .map((frame) => frame - range.start);
  // Flicker looks from each frame back to the one before it, which may lie in the batch before.
  const withOneBefore = (made: Layout, index: number): LayoutPart[] => {
    const { start, count } = layout.range(index);
    const before = Math.min(1, start - wanted.start);
    return partsOfRange(made, { start: start - before, count: count + before });
  };
  return planNode('measure', {
    layout,
    params: (index) => {
      const range = layout.range(index);
      const { start } = range;
      const [seams, cuts] = [pairs(seamsIn, range), pairs(cutsIn, range)];
      const own: MeasureParams = {
        ...seen,
        ...(start > 0 && start === wanted.start && { begins: true }),
        ...(seams.length > 0 && { seams }),
        ...(cuts.length > 0 && { cuts }),
      };
      return outlines === undefined ? own : { ...outlines.params, ...own };
    },
    inputs: rolesOf(
      {
        ...(outlines && { control: outlines.pictures }),
        ...seenRoles('depth', depth),
        ...seenRoles('joints', joints),
        ...results,
      },
      (output) => partsOf(output, withOneBefore),
    ),
  });
}

/** The batches of a clip, as far as they lie in a range. */
function batchesOver({ start, count }: FrameRange, job: JobBase): Layout {
  const batches = batchLayout(job.frames, job.frameBatch);
  const end = start + count;
  const first = batches.owner(start);
  return {
    count: batches.owner(end - 1) - first + 1,
    range: (index) => {
      const batch = batches.range(first + index);
      const from = Math.max(start, batch.start);
      return { start: from, count: Math.min(end, batch.start + batch.count) - from };
    },
    owner: (frame) => batches.owner(frame) - first,
  };
}

function seenRoles(role: string, seen: Seen | undefined): Readonly<Record<string, NodeOutput>> {
  if (seen === undefined) return {};
  const { source, generated, smoothed } = seen;
  return { [role]: source, [`generated-${role}`]: generated, [`smoothed-${role}`]: smoothed };
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
  const { outputs, source } = job;
  const all = wantedFrames(job);
  const sampled = sampleFrames(all.count, CONTACT_SHEET_COLUMNS_MAX).map((at) => all.start + at);
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
    // Whose sound it keeps.
    sources: (index): Readonly<Record<string, Digest>> =>
      outputs[index]?.sound === undefined ? {} : { [source.kind]: source.digest },
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
