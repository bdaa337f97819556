// The nodes of windows that overlap: steps of them, and what makes each frame one again.

import type { MergeParams, ParamsByStage } from '../../common/stages.ts';
import type { JobBase, PartRef } from './job-base.ts';
import { batchLayout } from './layout.ts';
import type { FrameRange } from './layout.ts';
import { framesOf, partsOf, planNode } from './plan-node.ts';
import type { NodeOutput, PlanNode } from './plan-node.ts';
import { copiesOf } from './windows.ts';
import type { Blocks, WindowSlice } from './windows.ts';

/** The stages that see a window as one. */
export type WindowStage = 'invert-image' | 'invert-video' | 'smooth';

export type WindowParams = ParamsByStage[WindowStage];

export interface Stepping {
  readonly stage: WindowStage;
  /** Of the scheduler, from 0. */
  readonly step: number;
  /** Of a task that sees these frames. */
  readonly params: (frames: FrameRange) => WindowParams;
  readonly models: Readonly<Record<string, PartRef>>;
  /** The step before, or where there is none, frames. */
  readonly from: NodeOutput;
}

/** A step of each block. */
export function stepNode(
  blocks: Blocks,
  { stage, step, params, models, from }: Stepping,
): PlanNode {
  const { windows } = blocks;
  const isFirst = from.node.step === undefined;
  const copies = (index: number) => copiesOf(blocks, blocks.range(index));
  return planNode(stage, {
    name: `${stage}/${String(step + 1)}`,
    layout: blocks,
    step,
    models,
    params: (index) => {
      const frames = blocks.range(index);
      const { start } = frames;
      const starts = blocks.members(index).map((one) => windows.range(one).start - start);
      const runs = runsOf(copies(index).slices);
      const own = { step, length: windows.length, starts, ...(isFirst ? {} : { copies: runs }) };
      return { ...params(frames), windows: own };
    },
    inputs: {
      latents: isFirst ? framesOf(from, blocks) : partsOf(from, (_, index) => copies(index).parts),
    },
  });
}

export interface Merging {
  readonly name: string;
  /** The windows of `blocks`. */
  readonly from: NodeOutput;
  readonly blocks: Blocks;
}

/** Each frame once; as many frames a task as a window has. */
export function mergeNode(job: JobBase, { name, from, blocks }: Merging): PlanNode {
  const layout = batchLayout(job.frames, job.window);
  const copies = (index: number) => copiesOf(blocks, layout.range(index));
  return planNode('merge', {
    name,
    layout,
    params: (index) => ({
      length: blocks.windows.length,
      copies: runsOf(copies(index).slices),
    }),
    inputs: { latents: partsOf(from, (_, index) => copies(index).parts) },
  });
}

function runsOf(slices: readonly WindowSlice[]): MergeParams['copies'] {
  return slices.map(({ first, offset, count }) => [first, offset, count] as const);
}
