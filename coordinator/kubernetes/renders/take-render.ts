// A new Render becomes a job, step by step, so that whatever ends in between is gone on with: held, accepted, told which job it is, submitted.

import { BivdiffError } from '../../../common/errors.ts';
import type { ErrorCode } from '../../../common/errors.ts';
import type { RendersApi } from './renders-api.ts';
import { FINALIZER } from './resource.ts';
import type { Render, RenderStatus } from './resource.ts';
import type { Standing } from './status.ts';

/** After a failure that may pass, a Render is asked for again so late, then later. */
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 120_000;

/** What no waiting helps: a Render's settings do not change. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'invalid-argument',
  'already-exists',
  'permission-denied',
  'resource-exhausted',
]);

export interface AcceptedRender {
  readonly jobId: string;
  /** What its user should know of it. */
  readonly warnings: readonly string[];
  /** Puts it on the farm; twice is once. */
  readonly submit: () => Promise<void>;
}

export interface TakeDeps {
  readonly api: Pick<RendersApi, 'hold'>;
  /**
   * May read a source for as long as that takes; gives up when the signal aborts.
   * @throws BivdiffError — all that keeps it from being a job; with the words of a spec
   */
  readonly accept: (
    render: Render,
    priority: number,
    signal: AbortSignal,
  ) => Promise<AcceptedRender>;
  readonly priorityMax: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly setStatus: (render: Render, standing: Standing) => Promise<RenderStatus | false>;
  /** By uid: when it is asked for again. */
  readonly retries: Map<string, { readonly afterMs: number; readonly tries: number }>;
  /** Runs this while nobody looks at Renders: a look sees all that a take does to a Render and its job, or nothing of it. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
}

/** A Render that is being taken. */
export interface Taking {
  /** As it was listed last: it may have been suspended since it was begun with. */
  readonly latest: () => Render;
  /** Aborts when it has been deleted, or nobody is to take Renders any more. */
  readonly signal: AbortSignal;
}

/** Whether it is not to wait after a failure. */
export function isDue({ uid }: Render, { retries, nowMs }: TakeDeps): boolean {
  return nowMs() >= (retries.get(uid)?.afterMs ?? -Infinity);
}

/** @throws as `KubeApi.ask`; what `submit` throws */
export async function takeRender(render: Render, deps: TakeDeps, taking: Taking): Promise<void> {
  const { api, accept, priorityMax, inTurn } = deps;
  const { signal } = taking;
  if (!render.finalizers.includes(FINALIZER)) await api.hold(render);
  const priority = Math.min(render.priority, priorityMax);
  const outcome = await accept(render, priority, signal).then(
    (accepted) => () => putOnFarm(accepted, deps, taking),
    (reason: unknown) => () => tellFailure(BivdiffError.from(reason), deps, taking),
  );
  // Who was let go of meanwhile shall get no job.
  await inTurn(async () => (signal.aborted ? undefined : outcome()));
}

async function tellFailure(
  error: BivdiffError,
  { retries, nowMs, setStatus }: TakeDeps,
  { latest }: Taking,
): Promise<void> {
  const render = latest();
  const isFinal = FINAL.has(error.code) && error.retry === 'never';
  const tries = (retries.get(render.uid)?.tries ?? 0) + 1;
  const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (tries - 1));
  if (!isFinal) retries.set(render.uid, { afterMs: nowMs() + waitMs, tries });
  await setStatus(render, { kind: isFinal ? 'refused' : 'undecided', why: textOf(error) });
}

async function putOnFarm(
  { jobId, warnings, submit }: AcceptedRender,
  { priorityMax, retries, setStatus }: TakeDeps,
  { latest, signal }: Taking,
): Promise<void> {
  const render = latest();
  retries.delete(render.uid);
  const notes = [...warnings, ...priorityNote(render, priorityMax)];
  // Before it is on the farm: who deletes the Render then finds which job to cancel.
  const status = await setStatus(render, { kind: 'accepted', jobId, notes, isSubmitted: false });
  if (render.isSuspended || signal.aborted) return;
  await submit();
  const told = status === false ? render : { ...render, status };
  await setStatus(told, { kind: 'accepted', jobId, notes, isSubmitted: true });
}

function priorityNote({ priority }: Render, priorityMax: number): readonly string[] {
  if (priority <= priorityMax) return [];
  return [`priority: ${priorityMax}, the most that this farm gives to Renders`];
}

function textOf({ message, hint }: BivdiffError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
