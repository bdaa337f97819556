// Goal: any number of processes share a store directory, and a process that dies at any moment leaves nothing half-done
// in sight. Method: real processes, real SIGKILL at seeded random moments, and a look at every file from outside.

import { once } from 'node:events';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { openFileStore } from '../../../../common/store/file/index.ts';
import type { TaskId } from '../../../../common/task.ts';
import { startChild } from '../../../support/conformance/child.ts';
import { taskIdOf } from '../../../support/conformance/results.ts';
import { numberOf, testSeed } from '../../../support/conformance/seed.ts';
import { createFileHarness } from '../../../support/conformance/store/store-harness.ts';

type Harness = Awaited<ReturnType<typeof createFileHarness>>;
interface CommitReport {
  readonly created: readonly TaskId[];
  readonly found: Readonly<Record<string, unknown>>;
}

const TASKS = 500;
const KILLS = 20;
/** A second a round where the machine is busy with other things, too. */
const KILLS_TIMEOUT_MS = 300_000;

let harness: Harness;
beforeEach(async () => {
  harness = await createFileHarness();
});
afterEach(async () => {
  await harness.store.close();
  await harness.dispose();
});

describe('file store: processes', () => {
  it('creates each of 500 tasks once when two processes commit the same', async () => {
    const { store, folder } = harness;
    const children = ['one', 'two'].map((worker) =>
      startChild('store/store-committer.ts', [folder, worker, String(TASKS)]),
    );
    for (const child of children) await child.lines.next();
    for (const child of children) child.process.stdin.write('go\n');
    const reports = await Promise.all(
      children.map(async (child) => JSON.parse((await child.output()).join('')) as CommitReport),
    );

    const created = reports.flatMap((report) => report.created);
    expect(created).toHaveLength(TASKS);
    expect(new Set(created).size).toBe(TASKS);
    for (const { found } of reports) {
      for (const [taskId, record] of Object.entries(found)) {
        expect(await store.getRecord(taskId as TaskId, { checkArtifacts: true })).toEqual(record);
      }
    }
    expect(await store.verify()).toEqual({
      checkedArtifacts: TASKS,
      checkedRecords: TASKS,
      problems: [],
    });
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  it(
    'shows nothing half-written after a writer is killed, and clears up after it',
    { timeout: KILLS_TIMEOUT_MS },
    async () => {
      const { store, folder } = harness;
      const seed = testSeed();
      let leftovers = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const child = startChild('store/store-writer.ts', [folder, `run${kill}`]);
        const committed = [(await child.lines.next()).value as string];
        await delay(numberOf(`${seed} kill ${kill}`, 120));
        child.process.kill('SIGKILL');
        await once(child.process, 'close');
        for await (const line of child.lines) committed.push(line);
        leftovers += (await readdir(join(folder, 'tmp'))).length;

        expect(await badFiles(folder), `seed ${seed}, kill ${kill}`).toEqual([]);
        for (const label of committed) {
          const record = await store.getRecord(taskIdOf(label), { checkArtifacts: true });
          expect(record, `seed ${seed}, ${label}`).toBeDefined();
        }
      }
      expect((await store.verify()).problems, `seed ${seed}`).toEqual([]);
      expect((await store.usage()).quarantine.count, `seed ${seed}`).toBe(0);
      // Each writer cleared away what the one before left; the last one's is left to us.
      expect(leftovers).toBeGreaterThan(0);
      await (await openFileStore(folder)).close();
      expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    },
  );
});

/** Looks at the files themselves, not through the store: artifacts that are not what their name says, records cut short. */
async function badFiles(folder: string): Promise<string[]> {
  const bad: string[] = [];
  for (const area of ['artifacts', 'records', 'documents']) {
    for (const entry of await readdir(join(folder, area), { recursive: true })) {
      const path = join(folder, area, entry);
      if (!(await stat(path)).isFile()) continue;
      const bytes = await readFile(path);
      const isWhole =
        area === 'artifacts'
          ? digestBytes(bytes) === basename(path)
          : area === 'records'
            ? (JSON.parse(bytes.toString()) as { record: object }).record instanceof Object
            : bytes.length > 80;
      if (!isWhole) bad.push(path);
    }
  }
  return bad;
}
