// How well frames keep to their controls is told by the eyes that made these: of each kind of control the first is measured, outlines by
// canny, depth and joints by the model that saw them in the source. Ready-made pictures have none, so only outlines are measured of them.

import type { EstimateParams } from '../../common/stages.ts';
import { framesOf, planNode } from '../pipeline/plan-node.ts';
import type { NodeOutput, PlanNode } from '../pipeline/plan-node.ts';
import type { Followed, Results, Seen } from '../pipeline/result-nodes.ts';
import { controlsOf } from './control-jobs.ts';
import type { ControlledJob, JobControl } from './control-jobs.ts';

interface EstimateOptions {
  readonly control: EstimateParams;
  /** Of the control among the job's. */
  readonly index: number;
  readonly frames: NodeOutput;
  /** Whose frames, where it is not the source. */
  readonly of?: keyof Results;
}

/** What a control's model sees in some frames. */
export function estimateNode<N extends string>(
  { models }: ControlledJob<N>,
  { control, index, frames, of }: EstimateOptions,
): PlanNode {
  const { layout } = frames.node;
  const place = [...(index === 0 ? [] : [index + 1]), ...(of === undefined ? [] : [of])];
  return planNode('estimate', {
    ...{ name: ['estimate', ...place].join('-'), layout },
    inputs: { frames: framesOf(frames, layout) },
    params: () => estimateOf(control),
    models: { annotator: models[`annotator.${index}`]! },
  });
}

/** `outputs`: the pictures of each control. `nodes`: what has to be seen besides. */
export function followedControls<N extends string>(
  job: ControlledJob<N>,
  outputs: readonly NodeOutput[],
  results: Results,
): { readonly nodes: readonly PlanNode[]; readonly followed: Followed } {
  const controls = controlsOf(job);
  const nodes: PlanNode[] = [];
  const seenBy = <K extends EstimateParams['kind']>(kind: K, output: string) => {
    const index = controls.findIndex((control) => isOfKind(control, kind));
    const control = controls[index];
    if (control === undefined || !isOfKind(control, kind)) return undefined;
    const seenIn = (of: keyof Results): NodeOutput => {
      const node = estimateNode(job, { control, index, frames: results[of], of });
      nodes.push(node);
      return { node, output };
    };
    const source = { node: outputs[index]!.node, output };
    const seen: Seen = { source, generated: seenIn('generated'), smoothed: seenIn('smoothed') };
    return { control, seen };
  };
  const outlines = outlinesOf(controls, outputs);
  const depth = seenBy('depth', 'control');
  const joints = seenBy('pose', 'joints');
  const followed = {
    ...(outlines && { outlines }),
    ...(depth && { depth: depth.seen }),
    ...(joints && { joints: { ...joints.seen, threshold: joints.control.threshold } }),
  };
  return { nodes, followed };
}

function isOfKind<K extends EstimateParams['kind']>(
  control: JobControl,
  kind: K,
): control is JobControl & Extract<EstimateParams, { readonly kind: K }> {
  return 'kind' in control && control.kind === kind;
}

function estimateOf(control: EstimateParams): EstimateParams {
  if (control.kind === 'depth') return { kind: 'depth' };
  const { kind, skeleton, threshold } = control;
  return { kind, skeleton, threshold };
}

function outlinesOf(
  controls: readonly JobControl[],
  outputs: readonly NodeOutput[],
): Followed['outlines'] {
  for (const [index, control] of controls.entries()) {
    const drawn = 'outlines' in control ? control.outlines : control;
    if (!('annotator' in drawn)) continue;
    const { annotator, low, high } = drawn;
    return { pictures: outputs[index]!, params: { annotator, low, high } };
  }
  return undefined;
}
