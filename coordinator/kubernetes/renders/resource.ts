// A Render as the API server has it: its names, its fields, and how a listed one is read. Pure.

import { z } from 'zod';

import { BivdiffError } from '../../../common/errors.ts';

export const GROUP = 'bivdiff.dev';
export const VERSION = 'v1alpha1';
export const PLURAL = 'renders';
export const KIND = 'Render';
/** A Render that has it stays until the coordinator has let go of its job. */
export const FINALIZER = 'bivdiff.dev/job';

/** As of jobs that are submitted by the command line. */
export const PRIORITY_DEFAULT = 50;

/** Where the frames come from: a path below the folder of sources, or what was uploaded, by its digest. */
export type RenderSource =
  { readonly path: string } | { readonly video: string } | { readonly folder: string };

export const CONDITIONS = [
  'Accepted',
  'Planned',
  'Progressing',
  'Suspended',
  'Complete',
  'Failed',
] as const;
export type ConditionType = (typeof CONDITIONS)[number];

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** When `status` became what it is; RFC 3339. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number | undefined;
}

/**
 * - `Pending`: not looked at yet, or it cannot be said yet whether it can be rendered
 * - `Refused`: it cannot be rendered as it is
 * - `Suspended`, `Queued`, `Running`: as its job
 * - `Complete`, `Failed`: over
 */
export type RenderState =
  'Pending' | 'Refused' | 'Suspended' | 'Queued' | 'Running' | 'Complete' | 'Failed';

export interface RenderStatus {
  readonly observedGeneration?: number | undefined;
  readonly state?: string | undefined;
  readonly conditions?: readonly Condition[] | undefined;
  /** Once it is accepted. */
  readonly jobId?: string | undefined;
  /** When its job was put on the farm; RFC 3339. */
  readonly submittedAt?: string | undefined;
  readonly finishedAt?: string | undefined;
  /** Of this run's work, in whole percent: `42%`. */
  readonly progress?: string | undefined;
  /** Such as `3m20s`. */
  readonly eta?: string | undefined;
  /** What the job has: of all its Renders the highest, within the farm's bound. */
  readonly priority?: number | undefined;
  /** Seconds that workers have run its tasks. */
  readonly gpuSeconds?: number | undefined;
}

/** A Render as it was listed. */
export interface Render {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** Somebody has deleted it. */
  readonly isLeaving: boolean;
  readonly finalizers: readonly string[];
  readonly source: RenderSource;
  /** Further ones, by what the task calls them. */
  readonly sources: Readonly<Record<string, RenderSource>>;
  /** Settings as in a spec file, but for the sources' paths. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly priority: number;
  readonly isSuspended: boolean;
  readonly ttlSeconds: number | undefined;
  readonly status: RenderStatus;
}

const CONDITION = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
  observedGeneration: z.number().optional(),
});
const SOURCE = z.union([
  z.object({ path: z.string() }),
  z.object({ video: z.string() }),
  z.object({ folder: z.string() }),
]);
const LISTED = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.number(),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).default([]),
  }),
  spec: z.object({
    source: SOURCE,
    sources: z.record(z.string(), SOURCE).default({}),
    render: z.record(z.string(), z.unknown()),
    priority: z.number().default(PRIORITY_DEFAULT),
    suspend: z.boolean().default(false),
    ttlSecondsAfterFinished: z.number().optional(),
  }),
  status: z
    .object({
      observedGeneration: z.number(),
      state: z.string(),
      conditions: z.array(CONDITION),
      jobId: z.string(),
      submittedAt: z.string(),
      finishedAt: z.string(),
      progress: z.string(),
      eta: z.string(),
      priority: z.number(),
      gpuSeconds: z.number(),
    })
    .partial()
    .default({}),
});

/** @throws data-loss — it is no Render: an older definition, or a proxy, has let it through */
export function readRender(listed: unknown): Render {
  const { data, error } = LISTED.safeParse(listed);
  if (data === undefined) {
    const name = (listed as { metadata?: { name?: unknown } } | null)?.metadata?.name;
    const problems = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new BivdiffError('data-loss', `Render ${String(name)}: ${problems.join('; ')}`);
  }
  const { metadata, spec, status } = data;
  const { name, uid, resourceVersion, generation, finalizers } = metadata;
  return {
    ...{ name, uid, resourceVersion, generation, finalizers, status },
    isLeaving: metadata.deletionTimestamp !== undefined,
    source: spec.source,
    sources: spec.sources,
    settings: spec.render,
    priority: spec.priority,
    isSuspended: spec.suspend,
    ttlSeconds: spec.ttlSecondsAfterFinished,
  };
}
