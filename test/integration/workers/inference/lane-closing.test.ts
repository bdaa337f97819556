// Goal: closing lanes never ends the process, whatever they are at. Method: a process of its own, as what would go wrong is its abort.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { TEST_LANE } from '../../../support/models/lane-jobs.ts';

it('waits for a run of a graph, however short its patience is otherwise', async () => {
  const script = fileURLToPath(new URL('close-under-run.ts', TEST_LANE));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toContain('slow was cancelled');
});
