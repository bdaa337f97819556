// What a user sees of an error, as JSON for the test that started the process.

import { BivdiffError } from '../../../common/errors.ts';

export type SeenFailure = Pick<BivdiffError, 'code' | 'message' | 'retry' | 'hint' | 'details'>;

export function seenFailure(reason: unknown): SeenFailure {
  const { code, message, retry, hint, details } = BivdiffError.from(reason);
  return { code, message, retry, hint, details };
}
