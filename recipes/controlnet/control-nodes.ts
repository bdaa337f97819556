// The plan of recipes whose frames are drawn along controls: the source's frames, pictures of each control, frames drawn along them, and
// the bridge.

import type { AnnotateParams, EstimateParams } from '../../common/stages.ts';
import { bridgeNodes } from '../pipeline/bridge-nodes.ts';
import { drawingRoles } from '../pipeline/generator-parts.ts';
import { drawingParams } from '../pipeline/generator-settings.ts';
import { indicesOf, windowLayout } from '../pipeline/layout.ts';
import { framesOf, planNode } from '../pipeline/plan-node.ts';
import type { NodeOutput, PlanNode } from '../pipeline/plan-node.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import type { Outlines } from '../pipeline/result-nodes.ts';
import { furtherIngest, ingestNode } from '../pipeline/source-nodes.ts';
import { controlRole, controlsOf } from './control-jobs.ts';
import type { ControlledJob, JobControl } from './control-jobs.ts';
import { scaleAt } from './courses.ts';
import type { Course } from './courses.ts';
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
  const measure = measureNode(job, results, outlinesOf(controls, outputs));
  return [
    ...[ingest, ...outputs.map(({ node }) => node), generate, ...bridge.nodes],
    ...[measure, assembleNode(job, shown, panels)],
  ];
}

interface PictureOptions {
  readonly control: JobControl;
  readonly index: number;
  readonly frames: NodeOutput;
}

/** Outlines are found without a model; the rest is seen by one, or ready-made. */
function picturesOf<N extends string>(
  job: ControlledJob<N>,
  { control, index, frames }: PictureOptions,
): NodeOutput {
  if ('kind' in control && control.kind === 'ready-made') {
    return { node: furtherIngest(job, 'control').node, output: 'frames' };
  }
  return { node: seenNode(job, { control, index, frames }), output: 'control' };
}

function seenNode<N extends string>(
  { models }: ControlledJob<N>,
  {
    control,
    index,
    frames,
  }: PictureOptions & { readonly control: AnnotateParams | EstimateParams },
): PlanNode {
  const { layout } = frames.node;
  const inputs = { frames: framesOf(frames, layout) };
  if ('annotator' in control) {
    const { annotator, low, high } = control;
    const name = index === 0 ? 'annotate' : `annotate-${index + 1}`;
    return planNode('annotate', {
      ...{ name, layout, inputs },
      params: () => ({ annotator, low, high }),
    });
  }
  return planNode('estimate', {
    ...{ name: index === 0 ? 'estimate' : `estimate-${index + 1}`, layout, inputs },
    params: () => estimateOf(control),
    models: { annotator: models[`annotator.${index}`]! },
  });
}

function estimateOf(control: EstimateParams): EstimateParams {
  if (control.kind === 'depth') return { kind: 'depth' };
  const { kind, skeleton, threshold } = control;
  return { kind, skeleton, threshold };
}

function generateNode<N extends string>(
  job: ControlledJob<N>,
  pictures: Readonly<Record<string, NodeOutput>>,
): PlanNode {
  const { method } = job;
  const layout =
    method === undefined ? pictures['control']!.node.layout : windowLayout(job.frames, job.window);
  const paramsOf = (index: number): ControlsParams => {
    const own = { task: job.task, ...(method === undefined ? {} : { method }) };
    const drawn = { ...drawingParams(job), ...own };
    if (!('controls' in job)) return { ...drawn, conditioningScale: job.control.scale };
    const frames = indicesOf(layout.range(index));
    return { ...drawn, controls: job.controls.map((one) => weightAt(one, frames)) };
  };
  const inputs = Object.entries(pictures).map(([role, output]) => [role, framesOf(output, layout)]);
  return planNode('generate', {
    layout,
    params: paramsOf,
    models: {
      ...drawingRoles(job.models, job.models.controlUnet),
      ...(method === undefined ? {} : { 'vae-encoder': job.models.vaeEncoder }),
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

/** The first control that is outlines: what edges of the results are compared with. */
function outlinesOf(
  controls: readonly JobControl[],
  outputs: readonly NodeOutput[],
): Outlines | undefined {
  for (const [index, control] of controls.entries()) {
    const drawn = 'outlines' in control ? control.outlines : control;
    if (!('annotator' in drawn)) continue;
    const { annotator, low, high } = drawn;
    return { pictures: outputs[index]!, params: { annotator, low, high } };
  }
  return undefined;
}
