// One node of a plan: tasks of one stage, with their parameters, models and inputs. A plan may have several nodes of a stage (a source and
// its mask are both ingested). Node names are for reading and for people; a task's id never holds one, so equal work of two nodes is one
// task.

import type { ParamsByStage } from '../../common/stages.ts';
import type { Digest, JsonObject, Stage } from '../../common/task.ts';
import type { PartRef } from './job-base.ts';
import { partsOfRange } from './layout.ts';
import type { Layout, LayoutPart } from './layout.ts';

export interface PlanNode {
  /** Unique in the plan; the stage's own name where there is but one node of it. */
  readonly name: string;
  readonly stage: Stage;
  readonly layout: Layout;
  readonly params: (index: number) => JsonObject;
  /** Role to part. */
  readonly models: Readonly<Record<string, Digest>>;
  /** Role to what it reads. */
  readonly inputs: Readonly<Record<string, NodeInput>>;
  /** What task i reads that no task made. */
  readonly sources: (index: number) => Readonly<Record<string, Digest>>;
  /** Where it is one step of windows that agree at each: which, from 0. Lower ones go first. */
  readonly step?: number;
}

/** Where one role of a node comes from. */
export interface NodeInput {
  readonly node: string;
  readonly output: string;
  /** The slices of that node's tasks that task i reads, in frame order. */
  readonly parts: (index: number) => readonly LayoutPart[];
}

/** What a node makes, as others read it. */
export interface NodeOutput {
  readonly node: PlanNode;
  readonly output: string;
}

export interface NodeOptions<S extends Stage> {
  /** @default the stage */
  readonly name?: string;
  readonly layout: Layout;
  readonly params: (index: number) => ParamsByStage[S];
  readonly models?: Readonly<Record<string, PartRef>>;
  readonly inputs?: Readonly<Record<string, NodeInput>>;
  /** @default none */
  readonly sources?: PlanNode['sources'];
  /** @default it is none of many */
  readonly step?: number;
}

export function planNode<S extends Stage>(stage: S, options: NodeOptions<S>): PlanNode {
  const models = Object.entries(options.models ?? {}).map(([role, part]) => [role, part.digest]);
  return {
    name: options.name ?? stage,
    stage,
    layout: options.layout,
    params: (index) => ({ ...options.params(index) }) as JsonObject,
    models: Object.fromEntries(models) as Record<string, Digest>,
    inputs: options.inputs ?? {},
    sources: options.sources ?? (() => ({})),
    ...(options.step !== undefined && { step: options.step }),
  };
}

/** Task i of a node cut by `layout` reads the frames that it makes, from whichever tasks of the other node own them. */
export function framesOf({ node, output }: NodeOutput, layout: Layout): NodeInput {
  const parts = (index: number): LayoutPart[] => partsOfRange(node.layout, layout.range(index));
  return { node: node.name, output, parts };
}

/** Task i reads all of the other node's task i: the same window. */
export function counterpartOf({ node, output }: NodeOutput): NodeInput {
  const parts = (index: number): LayoutPart[] => [
    { index, offset: 0, count: node.layout.range(index).count },
  ];
  return { node: node.name, output, parts };
}

/** Chosen slices of it. */
export function partsOf(
  { node, output }: NodeOutput,
  parts: (layout: Layout, index: number) => readonly LayoutPart[],
): NodeInput {
  return { node: node.name, output, parts: (index) => parts(node.layout, index) };
}
