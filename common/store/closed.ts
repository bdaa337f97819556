// What a store says that was closed.

import { BivdiffError } from '../errors.ts';

export function storeClosed(place: string): BivdiffError {
  return new BivdiffError('failed-precondition', `the store ${place} is closed`, {
    hint: 'Open it again.',
  });
}
