// An accepted job: the spec with every name turned into a digest and every default filled in. The plan is a pure function of it. Plain
// data; stored under the job's id.

import * as plans from './plans.ts';
import type { JobBase, PartRef } from './pipeline/job-base.ts';
import type { PlanNode } from './pipeline/plan-node.ts';
import type { RecipePlan } from './recipe.ts';

export type { PartRef };

/** Raised when the planner gives other tasks for the same job. */
export const PLANNER_REVISION = 1;

type Plans = typeof plans;
type JobOf<R> = R extends RecipePlan<never, infer J> ? J : never;

export type AcceptedJob = { readonly [N in keyof Plans]: JobOf<Plans[N]> }[keyof Plans];

/** A recipe by its name, as acceptance and planner see it, whichever it is. */
export type AnyRecipe = RecipePlan<unknown, JobBase & { readonly task: keyof Plans }>;

export function recipeOf(name: keyof Plans): AnyRecipe {
  return plans[name];
}

/** Whether this version plans a job that some version has accepted. */
export function canPlan({ task, plannerRevision }: JobBase & { readonly task: string }): boolean {
  return plannerRevision === PLANNER_REVISION && Object.hasOwn(plans, task);
}

/** The nodes of a job's plan, each after those that it reads. */
export function nodesOf(job: AcceptedJob): readonly PlanNode[] {
  return recipeOf(job.task).nodes(job);
}

/** The model parts that a job's tasks name. */
export function modelsOfJob(job: AcceptedJob): readonly PartRef[] {
  return Object.values<PartRef>({ ...job.models });
}
