// The planner: an accepted job becomes a graph of tasks. A pure function, enumerated lazily; the plan is never
// stored. Tasks are named by (stage, index); ids are made when asked for.

import { canonicalJson } from '../../common/canonical-json.ts';
import { digestText } from '../../common/digest.ts';
import { STAGE_FACTS } from '../../common/stages.ts';
import { STAGES } from '../../common/task.ts';
import type { InputPart, Stage, Task, TaskId } from '../../common/task.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { indicesOf } from '../../recipes/pipeline/layout.ts';
import { stagePlans } from '../../recipes/pipeline/stage-plans.ts';
import type { StagePlan } from '../../recipes/pipeline/stage-plans.ts';

/** A task of a plan, before it has an id. */
export interface TaskRef {
  readonly stage: Stage;
  readonly index: number;
}

export interface Plan {
  readonly job: AcceptedJob;
  /** The stages that this job needs, in pipeline order. */
  readonly stages: readonly Stage[];
  /** Number of tasks of a stage; 0 for one that is not planned. */
  count(stage: Stage): number;
  id(ref: TaskRef): TaskId;
  task(ref: TaskRef): Task;
  /** The tasks whose results it reads, each once, in pipeline order. */
  dependencies(ref: TaskRef): readonly TaskRef[];
  /** Number of frames that it makes. */
  frameCount(ref: TaskRef): number;
  /** The last frame that it makes; what dispatch orders by. */
  lastFrame(ref: TaskRef): number;
}

/** Expands a job. Costs nothing until tasks are asked for; ids are kept, tasks are not. */
export function createPlan(job: AcceptedJob): Plan {
  const plans = stagePlans(job);
  const ids = new Map<Stage, (TaskId | undefined)[]>();

  const planOf = (stage: Stage): StagePlan => {
    const plan = plans.get(stage);
    if (plan === undefined) throw new RangeError(`stage ${stage} is not part of this plan`);
    return plan;
  };

  const id = (ref: TaskRef): TaskId => {
    let known = ids.get(ref.stage);
    if (known === undefined) ids.set(ref.stage, (known = []));
    return (known[ref.index] ??= digestText(canonicalJson(identity(ref))) as string as TaskId);
  };

  const inputs = (ref: TaskRef): Record<string, InputPart[]> => {
    const found: Record<string, InputPart[]> = {};
    for (const [role, input] of Object.entries(planOf(ref.stage).inputs)) {
      found[role] = input.parts(ref.index).map(({ index, offset, count }) => ({
        task: id({ stage: input.stage, index }),
        output: input.output,
        offset,
        count,
      }));
    }
    return found;
  };

  const identity = (ref: TaskRef): Omit<Task, 'id'> => {
    const plan = planOf(ref.stage);
    return {
      stage: ref.stage,
      stageRevision: STAGE_FACTS[ref.stage].revision,
      params: plan.params(ref.index),
      models: plan.models,
      inputs: inputs(ref),
      sources: plan.sources,
      frames: indicesOf(plan.layout.range(ref.index)),
      numericsClass: job.numerics[STAGE_FACTS[ref.stage].numerics],
    };
  };

  return {
    job,
    stages: STAGES.filter((stage) => plans.has(stage)),
    count: (stage) => plans.get(stage)?.layout.count ?? 0,
    id,
    task: (ref) => ({ id: id(ref), ...identity(ref) }),
    dependencies: (ref) => {
      const seen = new Map<string, TaskRef>();
      for (const input of Object.values(planOf(ref.stage).inputs)) {
        for (const { index } of input.parts(ref.index)) {
          seen.set(`${input.stage}/${index}`, { stage: input.stage, index });
        }
      }
      return [...seen.values()];
    },
    frameCount: (ref) => planOf(ref.stage).layout.range(ref.index).count,
    lastFrame: (ref) => {
      const range = planOf(ref.stage).layout.range(ref.index);
      return range.start + range.count - 1;
    },
  };
}
