// Turns what S3, its client or the network says into an error that names the store and tells what to do.

import { BivdiffError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { StoreAction } from '../store-of-parts.ts';

interface Verdict {
  readonly code: ErrorCode;
  readonly hint: string;
}

const REFUSED: Verdict = {
  code: 'permission-denied',
  hint: 'The keys in use may not do this: they need GetObject, PutObject, DeleteObject and ListBucket on the bucket.',
};
const BAD_KEYS: Verdict = {
  code: 'permission-denied',
  hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, or a role) to keys that the server knows.',
};
const WRONG_PLACE: Verdict = {
  code: 'failed-precondition',
  hint: "Set AWS_REGION to the bucket's region, and AWS_ENDPOINT_URL_S3 to the server's address if it is not AWS.",
};
const FULL: Verdict = {
  code: 'resource-exhausted',
  hint: 'Make room there or raise the quota, remove what no job needs with `bivdiff store gc`, or choose another store.',
};
const AWAY: Verdict = {
  code: 'unavailable',
  hint: 'Is the server up, and AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) its address? What is done is kept: run it again.',
};

/** By what the server or the client calls the error. */
const VERDICT_BY_NAME: Readonly<Record<string, Verdict>> = {
  AccessDenied: REFUSED,
  AllAccessDisabled: REFUSED,
  AccountProblem: REFUSED,
  MethodNotAllowed: REFUSED,
  InvalidAccessKeyId: BAD_KEYS,
  SignatureDoesNotMatch: BAD_KEYS,
  ExpiredToken: BAD_KEYS,
  InvalidToken: BAD_KEYS,
  CredentialsProviderError: BAD_KEYS,
  TokenProviderError: BAD_KEYS,
  NoSuchBucket: {
    code: 'failed-precondition',
    hint: 'Make the bucket first, or name one that exists.',
  },
  InvalidBucketName: {
    code: 'invalid-argument',
    hint: 'Write s3://BUCKET/PREFIX with a bucket name that the server takes.',
  },
  KeyTooLongError: { code: 'invalid-argument', hint: 'Choose a shorter prefix.' },
  PermanentRedirect: WRONG_PLACE,
  AuthorizationHeaderMalformed: WRONG_PLACE,
  IllegalLocationConstraintException: WRONG_PLACE,
  RequestTimeTooSkewed: {
    code: 'failed-precondition',
    hint: "Set this machine's clock: it is too far from the server's.",
  },
  NotImplemented: {
    code: 'failed-precondition',
    hint: 'The server lacks a part of S3 that a store needs; use another.',
  },
  QuotaExceeded: FULL,
  QuotaExceededException: FULL,
  InsufficientStorage: FULL,
  XMinioStorageFull: FULL,
  EntityTooLarge: FULL,
};

const VERDICT_BY_STATUS: Readonly<Record<number, Verdict>> = {
  301: WRONG_PLACE,
  401: BAD_KEYS,
  403: REFUSED,
  501: { code: 'failed-precondition', hint: 'The server lacks a part of S3 that a store needs.' },
  507: FULL,
};

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_CONSTANT',
]);

export function s3Failure(reason: unknown, url: string, action: StoreAction): BivdiffError {
  if (reason instanceof BivdiffError) return reason;
  const where = `${action.doing} in the store ${url}`;
  const verdict = verdictOf(reason);
  if (verdict === undefined) return BivdiffError.from(reason, where);
  const needs =
    verdict === FULL && action.neededBytes !== undefined
      ? ` (${action.neededBytes} bytes are needed)`
      : '';
  return new BivdiffError(verdict.code, `${where}: ${messageOf(reason)}${needs}`, {
    hint: verdict.hint,
    details: { store: url, ...(needs === '' ? {} : { neededBytes: action.neededBytes }) },
    cause: reason,
  });
}

function verdictOf(reason: unknown): Verdict | undefined {
  if (!(reason instanceof Error) || reason.name === 'AbortError') return undefined;
  const byName = VERDICT_BY_NAME[reason.name];
  if (byName !== undefined) return byName;
  // The client's own words; it has no name for it.
  if (reason.message === 'Region is missing') return WRONG_PLACE;
  const status = statusOf(reason);
  const byStatus = VERDICT_BY_STATUS[status ?? 0];
  if (byStatus !== undefined) return byStatus;
  const isAway =
    (status !== undefined && (status >= 500 || status === 429)) ||
    reason.name === 'TimeoutError' ||
    reason.name === 'AggregateError' ||
    NETWORK.has((reason as NodeJS.ErrnoException).code ?? '');
  return isAway ? AWAY : undefined;
}

/** Whether there is no room for more: what can do without a copy or a mark then does. */
export function isFull(reason: unknown): boolean {
  return verdictOf(reason) === FULL;
}

/** The status of the answer that an error tells of; undefined if there was none. */
export function statusOf(reason: unknown): number | undefined {
  return (reason as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** How often the client had tried by then. */
export function attemptsOf(reason: unknown): number {
  return (reason as { $metadata?: { attempts?: number } }).$metadata?.attempts ?? 1;
}

function messageOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  const { name, message } = reason;
  const code = (reason as NodeJS.ErrnoException).code ?? '';
  const text =
    message === '' || message === 'UnknownError' ? `status ${statusOf(reason) ?? code}` : message;
  return name === 'Error' || name === 'AggregateError' ? text : `${name}: ${text}`;
}
