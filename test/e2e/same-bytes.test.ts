// Goal: the output's bytes do not depend on slots, kills or order. Method: the real program on the shipped models, with few
// steps; the long twin (test/long) runs the demo's steps.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { countRecords, killAfterCommits, renderFlags, renderJson } from '../support/same-bytes.ts';

// Small batches make many tasks: ten kills need something to come between.
const JOB = { frames: 16, steps: 2, frameBatch: 2 };
const SLOTS = 2;
/** Fifteen starts of the program, and three renders' work. */
const TIMEOUT_MS = 900_000;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-same-bytes-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the output of a job', () => {
  it(
    'has the same bytes with 1 and 4 slots, and after ten kills, and a second run computes nothing',
    { timeout: TIMEOUT_MS },
    async () => {
      const one = await renderJson([...renderFlags(folder, 'one', JOB), '--slots', '1']);
      const four = await renderJson([...renderFlags(folder, 'four', JOB), '--slots', '4']);
      expect(four.sha256).toBe(one.sha256);
      const planned = one.tasks.run;

      const flags = [...renderFlags(folder, 'killed', JOB), '--slots', String(SLOTS)];
      const store = join(folder, 'killed-store');
      let kills = 0;
      for (let kill = 0; kill < 10; kill += 1) {
        if (await killAfterCommits(flags, { store, more: 2 })) kills += 1;
      }
      expect(kills).toBe(10);
      const committed = await countRecords(store);
      expect(committed).toBeGreaterThan(0);
      expect(committed).toBeLessThan(planned);
      const last = await renderJson(flags);
      expect(last.sha256).toBe(one.sha256);
      // What was committed before a kill is never run again.
      expect(last.tasks.run).toBe(planned - committed);

      const again = await renderJson(flags);
      expect(again.tasks.run).toBe(0);
      expect(again.sha256).toBe(one.sha256);
    },
  );
});
