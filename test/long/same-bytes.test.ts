// Goal: the output's bytes do not depend on slots, kills or order. Method: the real program on the shipped models, with the
// demo's steps; the short twin is in test/e2e.

import { describe, it } from 'vitest';

import { checkSameBytes } from '../support/same-bytes.ts';

/** Fifteen starts of the program, and three renders' work. */
const TIMEOUT_MS = 1_800_000;

describe('the output of a job', () => {
  it(
    'has the same bytes with 1 and 4 slots and after ten kills, and a second run computes nothing',
    { timeout: TIMEOUT_MS },
    () =>
      // Small batches make many tasks: kills need something to come between.
      checkSameBytes({ frames: 16, steps: 50, frameBatch: 1, kills: 10 }),
  );
});
