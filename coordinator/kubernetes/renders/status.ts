// What a Render's status says, from what is known of it and of its job. Pure.

import type { FailureJson } from '../../../common/errors.ts';
import type { JobState } from '../../jobs/job-log.ts';
import { CONDITIONS } from './resource.ts';
import type { Condition, ConditionType, Render, RenderState, RenderStatus } from './resource.ts';

/** A job as its Renders show it. */
export interface SeenJob {
  readonly jobId: string;
  readonly state: JobState;
  readonly priority: number;
  /** Whether it is Renders' to change: else somebody else has submitted the same before. */
  readonly isOurs: boolean;
  /** 0 to 1 of the work, by estimated cost. */
  readonly fraction: number;
  readonly secondsLeft: number | undefined;
  /** Undefined: it is not known anew. */
  readonly gpuSeconds: number | undefined;
  /** How many there are; undefined until it is known what must run. */
  readonly tasks: number | undefined;
  /** Workers that are not there, in words; empty: for none. */
  readonly waitingFor: string;
  readonly failure: FailureJson | undefined;
}

/**
 * - `undecided`: it cannot be said now whether it can be rendered; it is asked again
 * - `refused`: it cannot be rendered as it is
 * - `accepted`: it can; it goes on the farm unless it is suspended, or has gone there now
 * - `on-farm`: it has a job, which is known
 * - `lost`: its job was deleted
 */
export type Standing =
  | { readonly kind: 'undecided'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'accepted';
      readonly jobId: string;
      /** What its user should know. */
      readonly notes: readonly string[];
      readonly isSubmitted: boolean;
    }
  | { readonly kind: 'on-farm'; readonly job: SeenJob }
  | { readonly kind: 'lost'; readonly jobId: string };

type Draft = Pick<Condition, 'status' | 'reason' | 'message'>;
type Drafts = Readonly<Record<ConditionType, Draft>>;

/** Of a condition: more is no help to anybody. */
const MESSAGE_MAX = 4_000;

/** The whole status: what is not in it is gone. */
export function statusOf(render: Render, standing: Standing, nowMs: number): RenderStatus {
  const { status: before, generation } = render;
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const state = stateOf(standing, render);
  const drafts = draftsOf(render, standing, state);
  const isOver = state === 'Refused' || state === 'Complete' || state === 'Failed';
  const job = standing.kind === 'on-farm' ? standing.job : undefined;
  const jobId = 'jobId' in standing ? standing.jobId : (job?.jobId ?? before.jobId);
  const isOnFarm =
    standing.kind === 'on-farm' ||
    standing.kind === 'lost' ||
    (standing.kind === 'accepted' && standing.isSubmitted);
  return {
    ...{ observedGeneration: generation, state },
    conditions: CONDITIONS.map((type) => conditionOf(type, drafts[type], render, now)),
    ...(jobId !== undefined && { jobId }),
    ...(isOnFarm && { submittedAt: before.submittedAt ?? now }),
    ...(isOver && { finishedAt: before.finishedAt ?? now }),
    ...numbersOf(before, job),
  };
}

function stateOf(standing: Standing, { isSuspended }: Render): RenderState {
  switch (standing.kind) {
    case 'undecided':
      return 'Pending';
    case 'refused':
      return 'Refused';
    case 'accepted':
      if (standing.isSubmitted) return 'Queued';
      return isSuspended ? 'Suspended' : 'Pending';
    case 'lost':
      return 'Failed';
    case 'on-farm':
      return STATES[standing.job.state];
  }
}

const STATES: Readonly<Record<JobState, RenderState>> = {
  queued: 'Queued',
  running: 'Running',
  paused: 'Suspended',
  done: 'Complete',
  failed: 'Failed',
  cancelled: 'Failed',
};

function draftsOf(render: Render, standing: Standing, state: RenderState): Drafts {
  const failure = failureOf(standing);
  const isRefused = standing.kind === 'refused';
  const is = (yes: boolean, reason: string, message = ''): Draft => ({
    ...{ status: yes ? 'True' : 'False', reason, message: message.slice(0, MESSAGE_MAX) },
  });
  const job = standing.kind === 'on-farm' ? standing.job : undefined;
  const waitsFor = job?.waitingFor ?? '';
  const isWaiting = (state === 'Queued' || state === 'Running') && waitsFor !== '';
  const otherwise = isWaiting ? 'WaitingForWorkers' : isRefused ? 'NotAccepted' : state;
  const why = isWaiting ? waitsFor : '';
  const isPlanned = job?.tasks !== undefined || state === 'Complete';
  return {
    Accepted: acceptedOf(render, standing),
    Planned: isPlanned
      ? is(true, 'Planned', job?.tasks === undefined ? '' : `${job.tasks} tasks`)
      : (keptPlan(render, standing) ?? is(false, otherwise, why)),
    Progressing: is(state === 'Running' && !isWaiting, otherwise, why),
    Suspended:
      render.isSuspended && job?.isOurs === false
        ? is(false, 'OfAnotherOwner', 'another owner has submitted the same render before')
        : is(state === 'Suspended', state === 'Suspended' ? 'Suspended' : 'NotSuspended'),
    Complete: is(state === 'Complete', otherwise, why),
    Failed:
      failure === undefined ? is(false, 'NotFailed') : is(true, failure.reason, failure.message),
  };
}

/** A plan that was made stays made, also while nothing of it runs. */
function keptPlan({ status }: Render, { kind }: Standing): Draft | undefined {
  const before = status.conditions?.find(({ type }) => type === 'Planned');
  return kind === 'on-farm' && before?.status === 'True' ? before : undefined;
}

function acceptedOf({ status }: Render, standing: Standing): Draft {
  const message = (text: string): string => text.slice(0, MESSAGE_MAX);
  switch (standing.kind) {
    case 'refused':
      return { status: 'False', reason: 'Invalid', message: message(standing.why) };
    case 'undecided':
      return { status: 'Unknown', reason: 'TryingAgain', message: message(standing.why) };
    default: {
      const before = status.conditions?.find(({ type }) => type === 'Accepted');
      const notes = standing.kind === 'accepted' ? standing.notes : undefined;
      const kept = before?.status === 'True' ? before.message : '';
      return {
        ...{ status: 'True', reason: 'Accepted' },
        message: notes === undefined ? kept : message(notes.join('; ')),
      };
    }
  }
}

function failureOf(
  standing: Standing,
): { readonly reason: string; readonly message: string } | undefined {
  if (standing.kind === 'refused') return { reason: 'NotAccepted', message: standing.why };
  if (standing.kind === 'lost') {
    const message = `job ${standing.jobId.slice(0, 12)} was deleted: delete the Render and apply it again`;
    return { reason: 'JobDeleted', message };
  }
  if (standing.kind !== 'on-farm') return undefined;
  const { state, failure } = standing.job;
  if (state === 'cancelled') {
    const message =
      'the job was cancelled: delete the Render and apply it again, or bivdiff resume';
    return { reason: 'Cancelled', message };
  }
  if (state !== 'failed') return undefined;
  const { code = 'internal', message = '', hint } = failure ?? {};
  return { reason: camelCase(code), message: hint === undefined ? message : `${message} ${hint}` };
}

function conditionOf(
  type: ConditionType,
  { status, reason, message }: Draft,
  { status: before, generation }: Render,
  now: string,
): Condition {
  const last = before.conditions?.find((one) => one.type === type);
  const since = last?.status === status ? last.lastTransitionTime : now;
  return {
    ...{ type, status, reason, message },
    ...{ lastTransitionTime: since, observedGeneration: generation },
  };
}

function numbersOf(before: RenderStatus, job: SeenJob | undefined): RenderStatus {
  const gpuSeconds = job?.gpuSeconds === undefined ? before.gpuSeconds : Math.round(job.gpuSeconds);
  const priority = job?.priority ?? before.priority;
  const isRunning = job?.state === 'running' || job?.state === 'done';
  const progress = isRunning ? `${Math.floor(100 * job.fraction)}%` : before.progress;
  const isForeseen = job?.state === 'running' && job.secondsLeft !== undefined;
  return {
    ...(progress !== undefined && { progress }),
    ...(isForeseen && { eta: durationText(job.secondsLeft) }),
    ...(priority !== undefined && { priority }),
    ...(gpuSeconds !== undefined && { gpuSeconds }),
  };
}

/** `45s`, `3m20s`, `2h5m`. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${whole % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** `data-loss` as `DataLoss`. */
function camelCase(code: string): string {
  return code
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

/** What changes all the time: told now and then. */
const MOVING = ['progress', 'eta', 'gpuSeconds'] as const;

/** - `no`: nothing is new; `numbers`: only what changes all the time */
export function changeOf(before: RenderStatus, after: RenderStatus): 'no' | 'numbers' | 'yes' {
  const settled = (status: RenderStatus): string =>
    JSON.stringify(inOrder(status), (key, value: unknown) =>
      MOVING.some((field) => field === key) ? undefined : value,
    );
  if (settled(before) !== settled(after)) return 'yes';
  return MOVING.some((field) => before[field] !== after[field]) ? 'numbers' : 'no';
}

/** Keys of the server's JSON come in its own order. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, inOrder(one)]));
}
