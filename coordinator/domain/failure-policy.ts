// What follows from a failed attempt: another attempt, where and when, or the end of the job. Pure; the page "Failure
// policy" in ARCHITECTURE.md says the same in prose.

import type { FailureJson } from '../../common/errors.ts';

export interface FailurePolicy {
  /** Attempts of one task before its job fails, the first included. */
  readonly attemptsMax: number;
  /** Wait before the second attempt; doubles from there. */
  readonly retryDelayMs: number;
  readonly retryDelayMaxMs: number;
  /** Workers that may be lost while they run one task, before the task is taken for the cause and its job fails. */
  readonly lostWorkersMax: number;
  /** Different tasks of one stage that a worker may fail in a row, while others succeed, before it is set aside for the stage. */
  readonly setAsideFailures: number;
  readonly setAsideMs: number;
  /** A task that takes so many times as long as others of its stage in its job is given to a second worker too, if one is idle. */
  readonly copyFactor: number;
  /** And at least so long. */
  readonly copyAfterMs: number;
  /** Results of the stage that must be there to compare with. */
  readonly copyResultsMin: number;
}

export const DEFAULT_FAILURE_POLICY: FailurePolicy = {
  attemptsMax: 3,
  // Long enough for a passing cause (a busy disk) to pass, short enough not to be noticed in a render.
  retryDelayMs: 250,
  retryDelayMaxMs: 5_000,
  // Machines are evicted, so one or two mean nothing. A task that takes its worker with it would go round the farm for ever.
  lostWorkersMax: 5,
  // One may be the task's fault, two chance. Each costs its task an attempt, so not many more.
  setAsideFailures: 3,
  // Long enough for a job's stage to get on without it, short enough for a full disk that was cleared.
  setAsideMs: 300_000,
  // Spark's multiplier. Sooner would double the work of a stage that merely varies.
  copyFactor: 1.5,
  // A worker that is gone is noticed sooner; what a copy saves of shorter tasks is not worth a device.
  copyAfterMs: 10_000,
  copyResultsMin: 3,
};

/**
 * - `retry`: publish again after `delayMs`; `excludeWorker` says not to the worker that failed it. A full store is waited for
 *   so without end
 * - `heal`: an input is lost; make it again first
 * - `fail`: no other attempt can help, or they are used up
 */
export type FailureDecision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly excludeWorker: boolean }
  | { readonly kind: 'heal' }
  | { readonly kind: 'fail' };

/** Decides after attempt number `attempt` (from 1) of a task has failed. */
export function decideAfterFailure(
  failure: FailureJson,
  attempt: number,
  policy: FailurePolicy,
): FailureDecision {
  const delayMs = Math.min(policy.retryDelayMs * 2 ** (attempt - 1), policy.retryDelayMaxMs);
  // No fault of the task's, nor of the worker's; whoever looks after the farm has to make room, however long that takes.
  if (isStoreFull(failure)) return { kind: 'retry', delayMs, excludeWorker: false };
  if (attempt >= policy.attemptsMax || failure.retry === 'never') return { kind: 'fail' };
  if (failure.code === 'data-loss' && failure.details['lostTasks'] !== undefined) {
    return { kind: 'heal' };
  }
  return { kind: 'retry', delayMs, excludeWorker: failure.retry === 'other-worker' };
}

export interface Exclusions {
  /** Workers that failed this very task. */
  readonly failed: readonly string[];
  /** Workers that are set aside for its stage. */
  readonly setAside: readonly string[];
  /** All that serve its pool now. */
  readonly there: ReadonlySet<string>;
}

/** Who shall hand the task back: as many of those named as leave somebody who can take it. Who failed it matters more. */
export function excludedWorkers({ failed, setAside, there }: Exclusions): readonly string[] {
  if (failed.length === 0 && setAside.length === 0) return failed;
  const all = [...new Set([...failed, ...setAside])];
  if (leavesSomebody(all, there)) return all;
  return leavesSomebody(failed, there) ? failed : [];
}

/** Whether a worker is there that is none of these. */
export function leavesSomebody(excluded: readonly string[], there: ReadonlySet<string>): boolean {
  for (const worker of there) if (!excluded.includes(worker)) return true;
  return false;
}

/**
 * What a task needs that found too little memory on a worker that has `hadBytes`: as much as the failure says, or else
 * more than that. Undefined if it failed for something else.
 */
export function memoryMissed(failure: FailureJson, hadBytes: number): number | undefined {
  const { code, retry, details } = failure;
  if (code !== 'resource-exhausted' || retry !== 'other-worker') return undefined;
  const said = details['bytes'];
  return Math.max(typeof said === 'number' ? said : 0, hadBytes + 1);
}

/** The store has no room for a result. A worker's own memory or disk is another matter: other workers may have more. */
export function isStoreFull({ code, retry, details }: FailureJson): boolean {
  return code === 'resource-exhausted' && retry === 'same-worker' && details['store'] !== undefined;
}

const PASSING: readonly string[] = ['unavailable', 'resource-exhausted', 'data-loss'];

/** No fault of a job's: store or bus is away or full, or a result was damaged. It is begun again, and makes anew what is not there. */
export function isPassing({ code }: Pick<FailureJson, 'code'>): boolean {
  return PASSING.includes(code);
}
