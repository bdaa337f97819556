// The plan of recipes whose frames are drawn along controls: the source's frames, pictures of each control, frames drawn along them, and
// the bridge.

import type { AnnotateParams } from '../../common/stages.ts';
import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import { drawingRoles, encodingRole } from '../pipeline/generator-parts.ts';
import { drawingParams } from '../pipeline/generator-settings.ts';
import { indicesOf } from '../pipeline/layout.ts';
import { framesOf, planNode } from '../pipeline/plan-node.ts';
import type { NodeOutput, PlanNode } from '../pipeline/plan-node.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { furtherIngest, ingestNode } from '../pipeline/source-nodes.ts';
import { windowsSideBySide } from '../pipeline/windowing.ts';
import { controlRole, controlsOf } from './control-jobs.ts';
import type { ControlledJob, JobControl } from './control-jobs.ts';
import { scaleAt } from './courses.ts';
import type { Course } from './courses.ts';
import { estimateNode, followedControls } from './followed-controls.ts';
import type { ControlsParams, ControlWeight } from './params.ts';

export function controlNodes<N extends string>(job: ControlledJob<N>): readonly PlanNode[] {
  const ingest = ingestNode(job);
  const frames = { node: ingest, output: 'frames' };
  const controls = controlsOf(job);
  const outputs = controls.map((control, index) => picturesOf(job, { control, index, frames }));
  const byRole = (read: (output: NodeOutput) => NodeOutput): Record<string, NodeOutput> =>
    Object.fromEntries(outputs.map((output, i) => [controlRole(i), read(output)]));
  const panels = byRole((output) => output);
  const generate = generateNode(job, panels);
  const generated = { node: generate, output: 'frames' };
  // What is drawn together is the clip.
  const isClip = job.method !== undefined;
  const bridge = isClip ? { nodes: [], smoothed: generated } : bridgeNodes(job, generated);
  const results = { generated, smoothed: bridge.smoothed };
  const shown = isClip ? { smoothed: generated } : results;
  const { nodes, followed } = followedControls(job, outputs, results);
  return [
    ...[ingest, ...outputs.map(({ node }) => node), generate, ...bridge.nodes, ...nodes],
    ...[measureNode(job, results, followed), assembleNode(job, shown, panels)],
  ];
}

interface PictureOptions {
  readonly control: JobControl;
  readonly index: number;
  readonly frames: NodeOutput;
}

/** Outlines are found without a model; the rest is seen by one, or ready-made. */
function picturesOf<N extends string>(job: ControlledJob<N>, options: PictureOptions): NodeOutput {
  const { control, index, frames } = options;
  if ('annotator' in control) return { node: annotateNode(control, options), output: 'control' };
  if (control.kind === 'ready-made') {
    return { node: furtherIngest(job, 'control').node, output: 'frames' };
  }
  return { node: estimateNode(job, { control, index, frames }), output: 'control' };
}

function annotateNode(
  { annotator, low, high }: AnnotateParams,
  { index, frames }: PictureOptions,
): PlanNode {
  const { layout } = frames.node;
  return planNode('annotate', {
    ...{ name: index === 0 ? 'annotate' : `annotate-${index + 1}`, layout },
    inputs: { frames: framesOf(frames, layout) },
    params: () => ({ annotator, low, high }),
  });
}

function generateNode<N extends string>(
  job: ControlledJob<N>,
  pictures: Readonly<Record<string, NodeOutput>>,
): PlanNode {
  const { method } = job;
  const layout = method === undefined ? pictures['control']!.node.layout : windowsSideBySide(job);
  const paramsOf = (index: number): ControlsParams => {
    const own = { task: job.task, ...(method === undefined ? {} : { method }) };
    const range = layout.range(index);
    const drawn = { ...drawingParams(job, range), ...own };
    if (!('controls' in job)) return { ...drawn, conditioningScale: job.control.scale };
    const frames = indicesOf(range);
    return { ...drawn, controls: job.controls.map((one) => weightAt(one, frames)) };
  };
  const inputs = Object.entries(pictures).map(([role, output]) => [role, framesOf(output, layout)]);
  return planNode('generate', {
    layout,
    params: paramsOf,
    models: {
      ...drawingRoles(job.models, job.models.controlUnet),
      ...(method === undefined ? {} : encodingRole(job.models)),
    },
    inputs: Object.fromEntries(inputs) as PlanNode['inputs'],
  });
}

function weightAt({ scale, start, end }: JobControl, frames: readonly number[]): ControlWeight {
  return {
    scale: scalesAt(scale, frames),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  };
}

/** One number where all frames of a task have it: a task that a course leaves alone is the one without it. */
function scalesAt(course: Course, frames: readonly number[]): number | readonly number[] {
  const scales = frames.map((frame) => scaleAt(course, frame));
  return scales.every((scale) => scale === scales[0]) ? scales[0]! : scales;
}
