// Between our errors and gRPC's: one code to one status, and the whole failure as JSON beside it, so that hint and causes
// reach the client.

import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError, StatusObject } from '@grpc/grpc-js';

import { BivdiffError } from '../errors.ts';
import type { ErrorCode, FailureJson } from '../errors.ts';
import { boundedFailure, cutText } from './bounded-failure.ts';

const FAILURE_KEY = 'bivdiff-failure-bin';
/**
 * Trailers are kept small by HTTP/2 peers: some refuse more than 8 KiB, and what they make of it ends other calls of the connection too.
 * The JSON travels as base64, the message percent-encoded.
 */
const FAILURE_BYTES_MAX = 4_000;
const MESSAGE_BYTES_MAX = 2_000;

/** The library tells a connection that is refused by its words only. Trying again does not change who is trusted. */
const TLS_TROUBLE = /certificate|self-signed|altname|tlsv1|ssl|EPROTO/i;

const STATUS_BY_CODE = {
  'invalid-argument': status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  'failed-precondition': status.FAILED_PRECONDITION,
  'data-loss': status.DATA_LOSS,
  'resource-exhausted': status.RESOURCE_EXHAUSTED,
  aborted: status.ABORTED,
  cancelled: status.CANCELLED,
  'deadline-exceeded': status.DEADLINE_EXCEEDED,
  unavailable: status.UNAVAILABLE,
  unauthenticated: status.UNAUTHENTICATED,
  'permission-denied': status.PERMISSION_DENIED,
  internal: status.INTERNAL,
} as const satisfies Record<ErrorCode, status>;

/** What a handler gives back instead of a response. */
export function statusOfError(reason: unknown): Partial<StatusObject> {
  const error = BivdiffError.from(reason);
  const metadata = new Metadata();
  const failure = boundedFailure(error.toJSON(), FAILURE_BYTES_MAX);
  metadata.set(FAILURE_KEY, Buffer.from(JSON.stringify(failure)));
  const details = cutText(error.message, MESSAGE_BYTES_MAX, percentEncodedBytes);
  return { code: STATUS_BY_CODE[error.code], details, metadata };
}

function percentEncodedBytes(character: string): number {
  return encodeURI(character).length;
}

/** Whether the other side has no such call, as one of an older version. `reason`: of `errorOfStatus`. */
export function isUnknownCall(reason: unknown): boolean {
  const { cause } = BivdiffError.from(reason);
  return isServiceError(cause) && cause.code === status.UNIMPLEMENTED;
}

/** What a client makes of a failed call. `server` is named in errors of the connection. */
export function errorOfStatus(reason: unknown, server: string): BivdiffError {
  if (!isServiceError(reason)) return BivdiffError.from(reason);
  const [bytes] = reason.metadata.get(FAILURE_KEY);
  if (bytes !== undefined) {
    return BivdiffError.fromJSON(JSON.parse(bytes.toString()) as FailureJson);
  }
  if (reason.code === status.UNAVAILABLE && TLS_TROUBLE.test(reason.details)) {
    return new BivdiffError('failed-precondition', `no TLS with ${server}: ${reason.details}`, {
      hint: 'Say whom to trust with --tls-ca; a farm may also want your own --tls-cert and --tls-key.',
      cause: reason,
    });
  }
  if (reason.code === status.UNAVAILABLE) {
    return new BivdiffError('unavailable', `no coordinator answers at ${server}`, {
      hint: 'Start one with bivdiff up, or say where it is with --server or BIVDIFF_SERVER.',
      cause: reason,
    });
  }
  if (reason.code === status.UNIMPLEMENTED) {
    return new BivdiffError('failed-precondition', `${server} does not know this call`, {
      hint: 'Is a coordinator there, and of the same version of bivdiff?',
      cause: reason,
    });
  }
  const codes = Object.entries(STATUS_BY_CODE);
  const code = codes.find(([, number]) => number === reason.code)?.[0] ?? 'internal';
  return new BivdiffError(code as ErrorCode, reason.details, { cause: reason });
}

/** Whether it was one of our programs that refused, not the network or a library. */
export function hasFailure(reason: ServiceError): boolean {
  return reason.metadata.get(FAILURE_KEY).length > 0;
}

export function isServiceError(reason: unknown): reason is ServiceError {
  return reason instanceof Error && 'metadata' in reason && reason.metadata instanceof Metadata;
}
