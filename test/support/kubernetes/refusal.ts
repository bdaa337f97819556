// What an API server says when it does not do something.

import { ApiException } from '@kubernetes/client-node';
import type { V1Status } from '@kubernetes/client-node';

export interface Refusal {
  /** HTTP status. */
  readonly code: number;
  /** The server's own sentence. */
  readonly message: string;
  readonly reason: string;
}

/** @throws Error — it was done */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    const { message = '', reason = '' } = statusOf(error.body);
    return { code: error.code, message, reason };
  }
  throw new Error('the API server did what it should have refused');
}

/** The client reads the body of some answers, gives that of others as it came, and of a 401 none. */
function statusOf(body: unknown): V1Status {
  if (typeof body !== 'string') return (body ?? {}) as V1Status;
  try {
    return JSON.parse(body) as V1Status;
  } catch {
    return { message: body };
  }
}
