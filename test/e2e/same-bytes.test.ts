// Goal: the output's bytes do not depend on slots, kills or order. Method: the real program on the shipped models, with few
// steps; the long twin (test/long) runs the demo's steps.

import { describe, it } from 'vitest';

import { checkSameBytes } from '../support/same-bytes.ts';
import { isThorough } from '../support/thorough.ts';

/** Seven starts of the program, nine in the long run, and three renders' work. */
const TIMEOUT_MS = 900_000;

describe('the output of a job', () => {
  // Small batches make many tasks: kills need something to come between.
  it(
    'has the same bytes with 1 and 4 slots and after kills, and a second run computes nothing',
    {
      timeout: TIMEOUT_MS,
    },
    () =>
      checkSameBytes({
        ...{ steps: 2, frameBatch: 2 },
        ...(isThorough ? { frames: 16, kills: 4 } : { frames: 12, kills: 2, size: '64x64' }),
      }),
  );
});
