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
  /** @throws BivdiffError — all that keeps it from being a job; with the words of a spec */
  readonly accept: (render: Render, priority: number) => Promise<AcceptedRender>;
  readonly priorityMax: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly setStatus: (render: Render, standing: Standing) => Promise<RenderStatus | false>;
  /** By uid: when it is asked for again. */
  readonly retries: Map<string, { readonly afterMs: number; readonly tries: number }>;
}

/** Whether it is not to wait after a failure. */
export function isDue({ uid }: Render, { retries, nowMs }: TakeDeps): boolean {
  return nowMs() >= (retries.get(uid)?.afterMs ?? -Infinity);
}

/** @throws as `KubeApi.ask`; what `submit` throws */
export async function takeRender(render: Render, deps: TakeDeps): Promise<void> {
  const { api, accept, priorityMax, nowMs, setStatus, retries } = deps;
  const { uid, isSuspended } = render;
  if (!render.finalizers.includes(FINALIZER)) await api.hold(render);
  const priority = Math.min(render.priority, priorityMax);
  let accepted: AcceptedRender;
  try {
    accepted = await accept(render, priority);
  } catch (reason) {
    const error = BivdiffError.from(reason);
    const isFinal = FINAL.has(error.code) && error.retry === 'never';
    const tries = (retries.get(uid)?.tries ?? 0) + 1;
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (tries - 1));
    if (!isFinal) retries.set(uid, { afterMs: nowMs() + waitMs, tries });
    await setStatus(render, { kind: isFinal ? 'refused' : 'undecided', why: textOf(error) });
    return;
  }
  retries.delete(uid);
  const { jobId, warnings } = accepted;
  const notes = [...warnings, ...priorityNote(render, priority)];
  // Before it is on the farm: who deletes the Render then finds which job to cancel.
  const status = await setStatus(render, { kind: 'accepted', jobId, notes, isSubmitted: false });
  if (isSuspended) return;
  await accepted.submit();
  const told = status === false ? render : { ...render, status };
  await setStatus(told, { kind: 'accepted', jobId, notes, isSubmitted: true });
}

function priorityNote({ priority }: Render, given: number): readonly string[] {
  if (priority === given) return [];
  return [`priority: ${given}, the most that this farm gives to Renders`];
}

function textOf({ message, hint }: BivdiffError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
