// The nodes of windows that overlap: steps of them, and what makes each frame one again.

import type { MergeParams, ParamsByStage } from '../../common/stages.ts';
import type { PartRef } from './job-base.ts';
import type { FrameRange, Layout } from './layout.ts';
import { framesOf, partsOf, planNode } from './plan-node.ts';
import type { NodeOutput, PlanNode } from './plan-node.ts';
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
  const isFirst = from.node.step === undefined;
  const copies = (index: number) => blocks.copies(blocks.range(index));
  return planNode(stage, {
    name: `${stage}/${String(step + 1)}`,
    layout: blocks,
    step,
    models,
    params: (index) => {
      const frames = blocks.range(index);
      const { start } = frames;
      const starts = blocks.windows(index).map((window) => window.start - start);
      const { length, slices } = copies(index);
      const own = { step, length, starts, ...(isFirst ? {} : { copies: runsOf(slices) }) };
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
  /** Of frames of one shot a task. */
  readonly layout: Layout;
}

/** Each frame once. */
export function mergeNode({ name, from, blocks, layout }: Merging): PlanNode {
  const copies = (index: number) => blocks.copies(layout.range(index));
  return planNode('merge', {
    name,
    layout,
    params: (index) => {
      const { length, slices } = copies(index);
      return { length, copies: runsOf(slices) };
    },
    inputs: { latents: partsOf(from, (_, index) => copies(index).parts) },
  });
}

function runsOf(slices: readonly WindowSlice[]): MergeParams['copies'] {
  return slices.map(({ first, offset, count }) => [first, offset, count] as const);
}
