// What a shell sees of a command's end, and which error ends in what.

import type { BivdiffError, ErrorCode } from '../../common/errors.ts';

export const EXIT_OK = 0;
/** It was tried and failed. */
export const EXIT_FAILED = 1;
/** Flags, spec, files or folders are not right, an output in the way of what was rendered among them; the same command fails again. */
export const EXIT_USAGE = 2;
/** Stopped by Ctrl-C or SIGTERM: 128 + SIGINT, whichever it was. */
export const EXIT_INTERRUPTED = 130;

const exitByCode: Readonly<Record<ErrorCode, number>> = {
  'invalid-argument': EXIT_USAGE,
  'not-found': EXIT_USAGE,
  'already-exists': EXIT_USAGE,
  'failed-precondition': EXIT_USAGE,
  unauthenticated: EXIT_USAGE,
  'permission-denied': EXIT_USAGE,
  'data-loss': EXIT_FAILED,
  'resource-exhausted': EXIT_FAILED,
  aborted: EXIT_FAILED,
  cancelled: EXIT_INTERRUPTED,
  'deadline-exceeded': EXIT_FAILED,
  unavailable: EXIT_FAILED,
  internal: EXIT_FAILED,
};

export function exitCodeOf(error: BivdiffError): number {
  return exitByCode[error.code];
}
