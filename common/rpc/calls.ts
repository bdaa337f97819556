// Calls of a client as promises: each with a deadline, cancellable, and failing with our errors.

import { Metadata, status } from '@grpc/grpc-js';
import type { ClientUnaryCall, ServiceError } from '@grpc/grpc-js';

import { BivdiffError } from '../errors.ts';
import { Retries } from './retries.ts';
import type { RetriesOptions } from './retries.ts';
import { errorOfStatus, hasFailure, isServiceError } from './status.ts';

/** What is the same for all calls of a client. */
export interface Line {
  /** HOST:PORT; named in errors. */
  readonly server: string;
  /** Sent with every call. @default nothing */
  readonly metadata?: (() => Metadata) | undefined;
  /** Cancels what is under way. */
  readonly signal?: AbortSignal | undefined;
}

export interface PatientLine extends Line {
  readonly retries: RetriesOptions;
}

export type StartUnary<Response> = (
  metadata: Metadata,
  options: { deadline: number },
  done: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

export function callUnary<Response>(
  line: Line,
  start: StartUnary<Response>,
  deadlineMs: number,
): Promise<Response> {
  const answer = Promise.withResolvers<Response>();
  const options = { deadline: Date.now() + deadlineMs };
  const call = start(metadataOf(line), options, (error, response) => {
    unlisten();
    if (error === null) answer.resolve(response);
    else answer.reject(callFailure(error, line));
  });
  const unlisten = cancelOnAbort(call, line.signal);
  return answer.promise;
}

/** Attempts again while the server is away. For what does no harm when it is done twice. */
export async function patiently<T>(
  line: PatientLine,
  attempt: (retries: Retries) => Promise<T>,
): Promise<T> {
  const retries = new Retries(line.retries);
  for (;;) {
    try {
      return await attempt(retries);
    } catch (reason) {
      // What the disk here says is not ours to translate, nor to repeat.
      if (!(reason instanceof BivdiffError)) throw reason;
      await retries.pause(reason);
    }
  }
}

export function metadataOf({ metadata }: Line): Metadata {
  return metadata?.() ?? new Metadata();
}

/** The returned function ends the listening. */
export function cancelOnAbort(
  call: { cancel(): void },
  signal: AbortSignal | undefined,
): () => void {
  const cancel = (): void => {
    call.cancel();
  };
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  return () => {
    signal?.removeEventListener('abort', cancel);
  };
}

/** Our error for what a call ended with; what comes from elsewhere (a disk, say) stays as it is. */
export function callFailure(reason: unknown, { server, signal }: Line): unknown {
  if (!isServiceError(reason)) return reason;
  if (signal?.aborted !== true && !hasFailure(reason) && isCutOff(reason)) {
    return new BivdiffError('unavailable', `the connection to ${server} was lost`, {
      hint: 'Does the coordinator still run, and does the network between hold?',
      cause: reason,
    });
  }
  return errorOfStatus(reason, server);
}

/** A server that ends in the middle of a call may look as if it had cancelled it. */
function isCutOff({ code, details }: ServiceError): boolean {
  return (
    code === status.CANCELLED ||
    (code === status.INTERNAL && details.startsWith('Received RST_STREAM'))
  );
}
