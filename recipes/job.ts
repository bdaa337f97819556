// An accepted job: the spec with every name turned into a digest and every default filled in. The plan is a pure function of it. Plain
// data; stored under the job's id.

import { BivdiffError } from '../common/errors.ts';
import * as plans from './plans.ts';
import type { JobBase, PartRef } from './pipeline/job-base.ts';
import { neededNodes } from './pipeline/needed-nodes.ts';
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

/** @throws failed-precondition — a version that knows more has accepted the job */
export function recipeOf(name: keyof Plans): AnyRecipe {
  if (Object.hasOwn(plans, name)) return plans[name];
  throw new BivdiffError('failed-precondition', `this version of bivdiff knows no task "${name}"`, {
    hint: `It knows ${Object.keys(plans).join(', ')}.`,
  });
}

/** Whether this version plans a job that some version has accepted. */
export function canPlan({ task, plannerRevision }: JobBase & { readonly task: string }): boolean {
  return plannerRevision === PLANNER_REVISION && Object.hasOwn(plans, task);
}

/**
 * The nodes of a job's plan, each after those that it reads.
 * @throws failed-precondition — another version has accepted the job: it would plan other tasks
 */
export function nodesOf(job: AcceptedJob): readonly PlanNode[] {
  if (job.plannerRevision !== PLANNER_REVISION) {
    throw new BivdiffError(
      'failed-precondition',
      `the job was accepted for planner revision ${job.plannerRevision}; this version has ${PLANNER_REVISION}`,
      { hint: 'Submit it again: what is equal in both is not made again.' },
    );
  }
  const nodes = recipeOf(job.task).nodes(job);
  if (job.part === undefined) return nodes;
  return neededNodes(nodes, ({ stage }) => stage === 'measure' || stage === 'assemble');
}

/** The model parts that a job's tasks name. */
export function modelsOfJob(job: AcceptedJob): readonly PartRef[] {
  return Object.values<PartRef>({ ...job.models });
}
