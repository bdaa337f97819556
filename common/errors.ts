// The one class for operational errors, in every program. It knows nothing of gRPC, NATS or ONNX Runtime:
// each of those edges translates to and from it. Programmer errors are node:assert's.

/**
 * What kind of failure it is. Each maps to one gRPC status.
 * - `invalid-argument`: the user's input is wrong; the same input fails again
 * - `not-found`: something named does not exist
 * - `already-exists`: refused, since it would replace something that differs
 * - `failed-precondition`: the system is not in the state that this needs (a folder lacks a file, a tool is missing)
 * - `data-loss`: bytes in the store are missing or are not what their digest says
 * - `resource-exhausted`: disk, memory or a quota is used up
 * - `aborted`: lost a race; another writer was first
 * - `cancelled`: somebody asked for it to stop
 * - `deadline-exceeded`: a bounded wait ended
 * - `unavailable`: a peer cannot be reached now
 * - `unauthenticated`: who asks did not show who they are: no token, or an unknown one
 * - `permission-denied`: the file system or a policy refuses it
 * - `internal`: a defect, here or in a library (NaN from a model, say)
 */
export const ERROR_CODES = [
  'invalid-argument',
  'not-found',
  'already-exists',
  'failed-precondition',
  'data-loss',
  'resource-exhausted',
  'aborted',
  'cancelled',
  'deadline-exceeded',
  'unavailable',
  'unauthenticated',
  'permission-denied',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * Whether another attempt can help.
 * - `never`: the same task fails everywhere
 * - `same-worker`: the cause passes (a full disk, a lost connection)
 * - `other-worker`: this worker cannot, another may
 */
export const RETRY_ADVICE = ['never', 'same-worker', 'other-worker'] as const;
export type RetryAdvice = (typeof RETRY_ADVICE)[number];

export interface BivdiffErrorOptions {
  /** @default by code, see `retryByCode` */
  readonly retry?: RetryAdvice;
  /** One line that tells the user what to do. Printed below the message. */
  readonly hint?: string;
  /** Plain JSON: which ids, names, sizes. Crosses the wire. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const retryByCode: Readonly<Record<ErrorCode, RetryAdvice>> = {
  'invalid-argument': 'never',
  'not-found': 'never',
  'already-exists': 'never',
  'failed-precondition': 'other-worker',
  'data-loss': 'same-worker',
  'resource-exhausted': 'same-worker',
  aborted: 'same-worker',
  cancelled: 'never',
  'deadline-exceeded': 'other-worker',
  unavailable: 'same-worker',
  unauthenticated: 'never',
  'permission-denied': 'never',
  internal: 'other-worker',
};

/** An operational error: what went wrong, whether a retry can help, and what the user can do. */
export class BivdiffError extends Error {
  readonly code: ErrorCode;
  readonly retry: RetryAdvice;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: BivdiffErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BivdiffError';
    this.code = code;
    this.retry = options.retry ?? retryByCode[code];
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  /**
   * Turns anything caught into this class.
   * - one of ours is returned as it is
   * - an AbortError, or an abort reason, becomes `cancelled`
   * - a Node system error becomes the code that fits its errno
   * - anything else is a defect: `internal`
   */
  static from(reason: unknown, doing?: string): BivdiffError {
    if (reason instanceof BivdiffError) return reason;
    const prefix = doing === undefined ? '' : `${doing}: `;
    if (!(reason instanceof Error)) {
      return new BivdiffError('internal', `${prefix}${String(reason)}`, { cause: reason });
    }
    if (reason.name === 'AbortError') {
      return new BivdiffError('cancelled', `${prefix}cancelled`, { cause: reason });
    }
    const errno = (reason as NodeJS.ErrnoException).code ?? '';
    const code = codeOfErrno(errno);
    return new BivdiffError(code, `${prefix}${reason.message}`, { cause: reason });
  }

  /** The error and its causes, outermost first, as plain JSON for the wire and the manifest. */
  toJSON(): FailureJson {
    const cause = failureOfCause(this.cause);
    return {
      code: this.code,
      message: this.message,
      retry: this.retry,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      details: this.details,
      ...(cause === undefined ? {} : { cause }),
    };
  }

  static fromJSON(failure: FailureJson): BivdiffError {
    return new BivdiffError(failure.code, failure.message, {
      retry: failure.retry,
      details: failure.details,
      ...(failure.hint === undefined ? {} : { hint: failure.hint }),
      ...(failure.cause === undefined ? {} : { cause: BivdiffError.fromJSON(failure.cause) }),
    });
  }
}

/** A cause that is not one of ours is told by its message: its own causes stay behind. */
function failureOfCause(cause: unknown): FailureJson | undefined {
  if (cause === undefined) return undefined;
  if (cause instanceof BivdiffError) return cause.toJSON();
  const { code, message, retry, details } = BivdiffError.from(cause);
  return { code, message, retry, details };
}

/** A failure as it crosses threads, processes and the wire. */
export interface FailureJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: RetryAdvice;
  readonly hint?: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause?: FailureJson;
}

/** `ENOSPC`, say: what kind of failure the system's word for it is. */
export function codeOfErrno(errno: string): ErrorCode {
  return codeByErrno[errno] ?? 'internal';
}

const codeByErrno: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EISDIR: 'invalid-argument',
  EEXIST: 'already-exists',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  EROFS: 'permission-denied',
  ENOSPC: 'resource-exhausted',
  EDQUOT: 'resource-exhausted',
  EFBIG: 'resource-exhausted',
  EMFILE: 'resource-exhausted',
  ENOMEM: 'resource-exhausted',
  ENAMETOOLONG: 'invalid-argument',
  ELOOP: 'invalid-argument',
};
