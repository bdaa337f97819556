// What `npm test` leaves to `npm run test:long`, which also runs the files that are named in vitest.config.ts and there every case of theirs: CI has 20
// minutes. What stays is one case of each kind, the quickest; what is left out differs from it by a value, or plants one more mistake.

import { it } from 'vitest';

export const isThorough = process.env['BIVDIFF_TESTS'] === 'thorough';

/** A case of the long run alone. */
export const itThorough = it.runIf(isThorough);

/** All cases in the long run, else those. */
export function casesOf<T>(all: readonly T[], isQuick: (one: T) => boolean): T[] {
  return all.filter((one) => isThorough || isQuick(one));
}
