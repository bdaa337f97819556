// The planner: an accepted job becomes a graph of tasks. A pure function, enumerated lazily; the plan is never
// stored. Tasks are named by (node, index); ids are made when asked for, of all that matters but the node's name.

import { canonicalJson, canonicalJsonPieces } from '../../common/canonical-json.ts';
import { digestText, digestTexts } from '../../common/digest.ts';
import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { InputPart, Stage, Task, TaskId } from '../../common/task.ts';
import { nodesOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { framesRun, indicesOf } from '../../recipes/pipeline/layout.ts';
import type { PlanNode } from '../../recipes/pipeline/plan-node.ts';

/** What a task of so many frames reads may be longer, as a text, than a string can be. */
const LONG_FRAMES = 10_000;

/** A task of a plan, before it has an id. */
export interface TaskRef {
  /** Name of a node of the plan. */
  readonly node: string;
  readonly index: number;
}

/** Tasks of one stage, cut alike. */
export interface NodeFacts {
  readonly name: string;
  readonly stage: Stage;
  /** As the plan node's. */
  readonly step?: number;
  /** Number of tasks. */
  readonly count: number;
  /** As the layout's. */
  readonly isUneven?: true;
}

export interface Plan {
  readonly job: AcceptedJob;
  /** In pipeline order: each after those that it reads. */
  readonly nodes: readonly NodeFacts[];
  id(ref: TaskRef): TaskId;
  task(ref: TaskRef): Task;
  /** The tasks whose results it reads, each once, in pipeline order. */
  dependencies(ref: TaskRef): readonly TaskRef[];
  /** Number of frames that it makes. */
  frameCount(ref: TaskRef): number;
  /** Number of frames that it runs, which is more where windows of one task overlap. */
  framesRun(ref: TaskRef): number;
  /** The last frame that it makes; what dispatch orders by. */
  lastFrame(ref: TaskRef): number;
}

/** Expands a job. Costs nothing until tasks are asked for; ids are kept, tasks are not. */
export function createPlan(job: AcceptedJob): Plan {
  const nodes = nodesOf(job);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const ids = new Map<string, (TaskId | undefined)[]>(nodes.map(({ name }) => [name, []]));

  const nodeOf = ({ node: name }: TaskRef): PlanNode => {
    const node = byName.get(name);
    if (node === undefined) throw new RangeError(`${name} is no node of this plan`);
    return node;
  };

  const id = (ref: TaskRef): TaskId => {
    const known = ids.get(nodeOf(ref).name)!;
    return (known[ref.index] ??= idOf(identity(ref)));
  };

  const inputs = (ref: TaskRef): Record<string, InputPart[]> => {
    const found: Record<string, InputPart[]> = {};
    for (const [role, input] of Object.entries(nodeOf(ref).inputs)) {
      found[role] = input.parts(ref.index).map(({ index, offset, count }) => ({
        task: id({ node: input.node, index }),
        output: input.output,
        offset,
        count,
      }));
    }
    return found;
  };

  const identity = (ref: TaskRef): Omit<Task, 'id'> => {
    const { stage, params, models, sources, layout } = nodeOf(ref);
    return {
      stage,
      stageRevision: STAGE_FACTS[stage].revision,
      params: params(ref.index),
      models,
      inputs: inputs(ref),
      sources: sources(ref.index),
      frames: indicesOf(layout.range(ref.index)),
      numericsClass: job.numerics[STAGE_FACTS[stage].numerics],
    };
  };

  return {
    job,
    nodes: nodes.map(({ name, stage, step, layout }) => {
      const { count, isUneven } = layout;
      return {
        name,
        stage,
        ...(step !== undefined && { step }),
        count,
        ...(isUneven && { isUneven }),
      };
    }),
    id,
    task: (ref) => ({ id: id(ref), ...identity(ref) }),
    dependencies: (ref) => {
      const seen = new Map<string, TaskRef>();
      for (const { node, parts } of Object.values(nodeOf(ref).inputs)) {
        for (const { index } of parts(ref.index)) seen.set(`${node}/${index}`, { node, index });
      }
      return [...seen.values()];
    },
    frameCount: (ref) => nodeOf(ref).layout.range(ref.index).count,
    framesRun: (ref) => framesRun(nodeOf(ref).layout, ref.index),
    lastFrame: (ref) => {
      const range = nodeOf(ref).layout.range(ref.index);
      return range.start + range.count - 1;
    },
  };
}

function idOf(identity: Omit<Task, 'id'>): TaskId {
  const isLong = identity.frames.length > LONG_FRAMES;
  const digest = isLong
    ? digestTexts(canonicalJsonPieces(identity))
    : digestText(canonicalJson(identity));
  return digest as string as TaskId;
}

/** All tasks of a stage, whichever nodes they are of, in order. */
export function tasksOfStage(plan: Plan, stage: Stage): TaskRef[] {
  return plan.nodes.filter((node) => node.stage === stage).flatMap(tasksOfNode);
}

export function tasksOfNode({ name, count }: NodeFacts): TaskRef[] {
  return Array.from({ length: count }, (_, index) => ({ node: name, index }));
}

/** Number of tasks of a stage; 0 for one that is not planned. */
export function countOfStage(plan: Plan, stage: Stage): number {
  return plan.nodes.reduce((sum, node) => (node.stage === stage ? sum + node.count : sum), 0);
}

/** The stages of a plan, each once, in pipeline order. */
export function stagesOf(plan: Plan): readonly Stage[] {
  return [...new Set(plan.nodes.map(({ stage }) => stage))];
}
