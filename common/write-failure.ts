// An error of a file that cannot be written: names it as its reader knows it, and says what to do. Knows nothing of what is written.

import { BivdiffError } from './errors.ts';

export interface WriteFailureOptions {
  /** Whether what is done so far is kept in a store, and need not be done again. @default false */
  readonly kept?: boolean | undefined;
}

/** Of anything caught while the file at `path` was written, or looked after; `path` as the user knows it. */
export function cannotWrite(
  path: string,
  reason: unknown,
  { kept = false }: WriteFailureOptions = {},
): BivdiffError {
  const error = BivdiffError.from(reason);
  if (reason instanceof BivdiffError && error.code === 'data-loss') return error;
  const hints: Readonly<Partial<Record<BivdiffError['code'], string>>> = {
    'permission-denied': 'Choose another place, or make the folder writable.',
    'resource-exhausted': kept
      ? 'Make room on that disk, then run the same command again: what is done is kept.'
      : 'Make room on that disk, or choose a place on another one, then run the same command again.',
    'already-exists': 'Add --overwrite to replace it, or choose another name.',
    'not-found': 'Choose a folder that exists and takes files.',
    'invalid-argument': 'Choose a shorter name, or another place.',
  };
  const hint = hints[error.code] ?? error.hint;
  return new BivdiffError(error.code, `cannot write ${path}: ${error.message}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { path },
    cause: reason,
  });
}
