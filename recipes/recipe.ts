// What a recipe is: one of the paper's tasks (what `--task` names) as a module of its own. This is the half that everybody may know; how it
// is drawn is recipe-body.ts's.

import type { z } from 'zod';

import type { ModelPart, ModelSet } from '../common/models/model-set.ts';
import type { ProblemSink } from '../common/problems.ts';
import type { SamplerName } from '../common/stages.ts';
import type { BridgeModels, JobBase } from './pipeline/job-base.ts';
import type { PlanNode } from './pipeline/plan-node.ts';
import type { SettingFlag } from './spec/flag.ts';

/** What a user says of it. Gathered in specs.ts. */
export interface RecipeSpec<N extends string = string, F extends z.ZodRawShape = z.ZodRawShape> {
  /** The word for `task` in a spec. */
  readonly name: N;
  /** One line for help. */
  readonly doc: string;
  /** Fields of the spec that it has besides those of every recipe. Two recipes that share a field share the very schema. */
  readonly fields: F;
  /** For these fields, in the order of help. */
  readonly flags: readonly SettingFlag[];
  /** Role to label, of the panels of its comparison and contact sheet before `generated` and `smoothed`, which every recipe has. */
  readonly panels: Readonly<Record<string, string>>;
  /** Sources beside `input` that it may have, by name: the field of the spec (dotted) with the path of each. @default none */
  readonly sources?: Readonly<Record<string, string>>;
}

/** Keeps the types of name and fields. */
export function recipeSpec<const N extends string, F extends z.ZodRawShape>(
  spec: RecipeSpec<N, F>,
): RecipeSpec<N, F> {
  return spec;
}

/** What acceptance knows when it asks a recipe for its part of a job. */
export interface RecipeRequest<S> {
  readonly spec: S;
  readonly models: ModelSet;
  readonly source: { readonly alpha: boolean };
  /** The further ones, by name. */
  readonly sources: NonNullable<JobBase['sources']>;
  /** Takes what does not fit: `field: what`. */
  readonly problems: ProblemSink;
}

/** What a recipe adds to a job. */
export type RecipePart<J extends JobBase> = Omit<J, keyof JobBase> & {
  readonly models: Omit<J['models'], keyof BridgeModels>;
};

/** How it becomes a job and a plan. Gathered in plans.ts. Pure. */
export interface RecipePlan<S, J extends JobBase> {
  /** Its part of the job; undefined if there is a problem without which there is none. */
  accept(request: RecipeRequest<S>): RecipePart<J> | undefined;
  /** By which sampler its frames are drawn, from which config, and the mixing ratio that suits them; absent for a recipe that draws none. */
  drawing?(request: Pick<RecipeRequest<S>, 'spec' | 'models'>): {
    readonly sampler: SamplerName;
    /** That the sampler visits in place of those of the steps. */
    readonly timesteps?: readonly number[] | undefined;
    readonly generatorScheduler: ModelPart | undefined;
    /** Whose deep features a cache interval uses again; absent where each step runs it whole all the same. */
    readonly cachedUnet?: ModelPart | undefined;
    /** The generator's own. @default that of the models */
    readonly mixingRatio?: number | undefined;
  };
  /** Whether its frames go over the bridge, in windows. @default true */
  isBridged?(spec: S): boolean;
  /** Of the panels that its spec names, those that this render shows. @default all */
  panels?(spec: S): readonly string[];
  /** All nodes of the job's plan, each after those that it reads. */
  nodes(job: J): readonly PlanNode[];
}
