// How the stages that see windows run over a clip: each window whole, or all of them step by step.

import type { SmoothParams } from '../../common/stages.ts';
import { smoothsStepwise } from './job-base.ts';
import type { JobBase, PartRef } from './job-base.ts';
import { batchLayout, indicesOf, windowLayout } from './layout.ts';
import type { FrameRange, Layout } from './layout.ts';
import { counterpartOf, framesOf, planNode } from './plan-node.ts';
import type { NodeOutput, PlanNode } from './plan-node.ts';
import { byShot, lastUpTo, shotsOf } from './shots.ts';
import { mergeNode, stepNode } from './window-nodes.ts';
import type { WindowParams, WindowStage } from './window-nodes.ts';
import { blocksByShot } from './windows.ts';

export interface WindowedStage {
  readonly stage: WindowStage;
  /** Of a task that sees these frames. */
  readonly params: (frames: FrameRange) => WindowParams;
  /** Besides these, told to whatever begins with the first step. */
  readonly firstParams?: (frames: FrameRange) => Pick<SmoothParams, 'noised'>;
  readonly models: Readonly<Record<string, PartRef>>;
  /** Frames, or what another stage has made of windows. */
  readonly from: NodeOutput;
  /** Of the scheduler, from 0; `end` is left out. */
  readonly steps: { readonly first: number; readonly end: number };
  /** Whether its frames do not see each other: then windows are just a way of cutting. */
  readonly isFrameWise?: boolean;
}

export interface Windowing {
  /** How what the stages make is cut. */
  readonly layout: Layout;
  /** In pipeline order; the last one makes what the stage makes. */
  run(stage: WindowedStage): PlanNode[];
  /** What follows smoothing, so that of each frame one copy counts. */
  ending(smoothed: NodeOutput): PlanNode[];
}

export function windowingOf(job: JobBase): Windowing {
  if (smoothsStepwise(job)) return stepByStep(job);
  return wholeWindows(job);
}

/** Windows side by side, in each shot by itself. */
export function windowsSideBySide(job: Pick<JobBase, 'frames' | 'cuts' | 'window'>): Layout {
  return byShot(shotsOf(job), (frames) => windowLayout(frames, job.window));
}

/** Of a range of frames, in order. */
export type FramesIn = (range: FrameRange) => number[];

/** Those between which and the one before a window begins or ends. A cut is none of them. */
export function seamsOf(job: JobBase): FramesIn {
  const { window, long } = job;
  const shots = shotsOf(job);
  const isSeam = (frame: number): boolean => {
    const { start, count } = lastUpTo(shots, frame, (shot) => shot.start);
    const place = frame - start;
    if (place === 0 || count <= window) return false;
    // Side by side, the last window gives what the one before it has not.
    if (long === undefined) return place % window === 0;
    const lastStart = count - window;
    const isStart = (at: number): boolean =>
      at === lastStart || (at >= 0 && at % long.stride === 0 && at < lastStart);
    return isStart(place) || isStart(place - window);
  };
  return (range) => indicesOf(range).filter(isSeam);
}

/** Those with which a shot begins, but for the clip's first. */
export function cutsOf({ cuts = [] }: JobBase): FramesIn {
  const all = new Set(cuts);
  return (range) => indicesOf(range).filter((frame) => all.has(frame));
}

/** What a node of a windowed stage, or of mix or merge, hands on. */
export function madeBy(node: PlanNode): NodeOutput {
  const isNoise =
    ['invert-image', 'invert-video', 'mix'].includes(node.stage) && node.step === undefined;
  return { node, output: isNoise ? 'noise' : 'latents' };
}

/** Each window through all steps. */
function wholeWindows(job: JobBase): Windowing {
  const { window, long } = job;
  const shots = shotsOf(job);
  const blocks = long && blocksByShot(shots, { length: window, stride: long.stride, block: 1 });
  const layout = blocks ?? windowsSideBySide(job);
  const merged = byShot(shots, (frames) => batchLayout(frames, window));
  return {
    layout,
    run: ({ stage, params, firstParams, models, from }) => {
      const role = stage === 'smooth' && firstParams === undefined ? 'noise' : 'latents';
      const input = from.node.layout === layout ? counterpartOf(from) : framesOf(from, layout);
      return [
        planNode(stage, {
          ...{ layout, models, inputs: { [role]: input } },
          params: (index) => {
            const frames = layout.range(index);
            return { ...params(frames), ...firstParams?.(frames) };
          },
        }),
      ];
    },
    ending: (from) => (blocks ? [mergeNode({ name: 'merge', from, blocks, layout: merged })] : []),
  };
}

/** All windows through each step, which they begin with the mean of what the step before has made of each frame. */
function stepByStep(job: JobBase): Windowing {
  const { window, long } = job;
  const { stride, block = 1 } = long!;
  const shots = shotsOf(job);
  const blocks = blocksByShot(shots, { length: window, stride, block });
  const layout = byShot(shots, (frames) => batchLayout(frames, window));
  return {
    layout,
    run: ({ stage, params, firstParams, models, from, steps, isFrameWise = false }) => {
      if (isFrameWise) {
        const inputs = { latents: framesOf(from, layout) };
        const paramsOf = (index: number): WindowParams => params(layout.range(index));
        return [planNode(stage, { layout, params: paramsOf, models, inputs })];
      }
      const nodes: PlanNode[] = [];
      for (let step = steps.first; step < steps.end; step += 1) {
        const before = nodes.at(-1);
        nodes.push(
          stepNode(blocks, {
            ...{ stage, step, models },
            params: (frames) =>
              before === undefined
                ? { ...params(frames), ...firstParams?.(frames) }
                : params(frames),
            from: before === undefined ? from : madeBy(before),
          }),
        );
      }
      const last = madeBy(nodes.at(-1)!);
      return [...nodes, mergeNode({ name: `merge/${stage}`, from: last, blocks, layout })];
    },
    ending: () => [],
  };
}
