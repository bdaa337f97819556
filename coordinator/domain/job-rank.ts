// Which of two jobs goes first, and what an owner of jobs may have of the farm. Knows neither tasks nor workers.

import type { JobId } from '../../common/task.ts';

/** What one owner may have of the farm. */
export interface Share {
  /** Against other owners of jobs of the same priority, above 0. */
  readonly weight: number;
  /** Tasks out at once, at most. */
  readonly quota: number;
}

export const EQUAL_SHARE: Share = { weight: 1, quota: Infinity };

/** What a job's place in the order depends on. */
export interface Standing {
  readonly jobId: JobId;
  readonly owner: string;
  /** Higher goes first. */
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly submittedAtMs: number;
  /** Of the job's numerics classes: on workers of others its bits would be others. */
  readonly numericsKey: string;
}

export interface Ranked {
  readonly standing: Standing;
  /** Tasks that its owner has out, by the owner's weight. */
  readonly use: number;
}

/**
 * Whether one job goes before another: of higher priority; else of the owner who uses less; else submitted earlier. Ids decide what is
 * equal in all of that, so the order is the same whoever looks.
 */
export function goesBefore(one: Ranked, other: Ranked): boolean {
  const [a, b] = [one.standing, other.standing];
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (one.use !== other.use) return one.use < other.use;
  if (a.submittedAtMs !== b.submittedAtMs) return a.submittedAtMs < b.submittedAtMs;
  return a.jobId < b.jobId;
}
