// What an answer of a Kubernetes API server that is no success means, and what to do about it. Knows the client's errors by their shape alone,
// so that nothing is loaded for it.

import { BivdiffError } from '../../../common/errors.ts';
import type { ErrorCode } from '../../../common/errors.ts';

/** What was asked, in the words of RBAC. */
export interface ApiCall {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
  /** In the plural, with its sub-resource: `deployments/scale`. */
  readonly resource: string;
  /** Empty: the core's. */
  readonly group: string;
  readonly namespace: string;
  /** Of the object; undefined where many are meant. */
  readonly name?: string | undefined;
  /** The value of the Helm chart that grants it. */
  readonly grantedBy: string;
}

export interface AskedCall extends ApiCall {
  readonly server: string;
  readonly timeoutMs: number;
}

/** Another has written meanwhile, or made it. */
export function isConflict(error: BivdiffError): boolean {
  return error.details?.['status'] === 409;
}

export function isNotFound(error: BivdiffError): boolean {
  return error.details?.['status'] === 404;
}

/**
 * - `permission-denied`: RBAC; says which verb of what where, and which value of the chart grants it
 * - `unauthenticated`: the server does not know this account
 * - `not-found`, `aborted` (409), `failed-precondition` (it will never take this)
 * - `unavailable`: no answer in time, none at all, or one that says later
 */
export function apiFailure(reason: unknown, call: AskedCall): BivdiffError {
  const { verb, server, timeoutMs } = call;
  const doing = `Kubernetes: ${verb} ${objectText(call)}`;
  const status = statusOf(reason);
  if (status === undefined) {
    const seconds = Number((timeoutMs / 1000).toFixed(1));
    const why = isTimeout(reason) ? `no answer within ${seconds} s` : causeText(reason);
    return new BivdiffError('unavailable', `${doing}: ${why} (${server})`, {
      hint: 'Is the API server there, and does a NetworkPolicy let this pod reach it?',
      cause: reason,
    });
  }
  const said = messageOf(reason);
  const code = codeOf(status);
  const hint = hintOf(code, call);
  return new BivdiffError(code, `${doing}: ${said} (${status})`, {
    ...(hint === undefined ? {} : { hint }),
    details: { status },
    cause: reason,
  });
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'permission-denied';
  if (status === 404) return 'not-found';
  if (status === 409) return 'aborted';
  return status === 429 || status >= 500 ? 'unavailable' : 'failed-precondition';
}

function hintOf(code: ErrorCode, call: AskedCall): string | undefined {
  const { verb, resource, group, namespace, name, grantedBy } = call;
  switch (code) {
    case 'permission-denied': {
      const apiGroup = group === '' ? 'the core API group' : `API group ${group}`;
      const only = name === undefined ? '' : `, ${name} at least`;
      return `A Role in namespace ${namespace} must grant this account the verb ${verb} on ${resource} of ${apiGroup}${only}; the Helm chart does so with ${grantedBy}.`;
    }
    case 'unauthenticated':
      return 'Has the service account been deleted, or its token expired? Start the pod anew.';
    case 'not-found':
      return `Is ${namespace} the right namespace? It is the pod's own unless the file of --kubernetes says another.`;
    default:
      return undefined;
  }
}

function objectText({ resource, namespace, name, group }: ApiCall): string {
  const kind = group === '' ? resource : `${resource}.${group}`;
  return `${kind}${name === undefined ? '' : ` ${name}`} in namespace ${namespace}`;
}

function statusOf(reason: unknown): number | undefined {
  const code = typeof reason === 'object' && reason !== null && 'code' in reason && reason.code;
  // A time-out has a number too: that of a DOM exception.
  return typeof code === 'number' && code >= 100 ? code : undefined;
}

/** What the server says: a Status in JSON, already read or not, or any text. */
function messageOf(reason: unknown): string {
  let body: unknown = (reason as { readonly body?: unknown }).body;
  if (typeof body === 'string') {
    try {
      body = JSON.parse(body);
    } catch {
      return (body as string).slice(0, 500).trim() || 'no more is said';
    }
  }
  const message = (body as { readonly message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message.slice(0, 1_000) : 'no more is said';
}

function isTimeout(reason: unknown): boolean {
  return (
    reason instanceof Error && (reason.name === 'TimeoutError' || reason.name === 'AbortError')
  );
}

/** fetch says "fetch failed", and why in its cause. */
function causeText(reason: unknown): string {
  const { cause } = reason as { readonly cause?: unknown };
  return BivdiffError.from(cause ?? reason).message;
}
