// Goal: the output's bytes do not depend on slots, kills or order. Method: the real program on the shipped models, with few
// steps; the long twin (test/long) runs the demo's steps.

import { describe, it } from 'vitest';

import { checkSameBytes } from '../support/same-bytes.ts';

/** Seven starts of the program, and three renders' work. */
const TIMEOUT_MS = 900_000;

describe('the output of a job', () => {
  it(
    'has the same bytes with 1 and 4 slots and after two kills, and a second run computes nothing',
    { timeout: TIMEOUT_MS },
    () =>
      // Small batches make many tasks: kills need something to come between.
      checkSameBytes({ frames: 12, steps: 2, frameBatch: 2, kills: 2, size: '64x64' }),
  );
});
