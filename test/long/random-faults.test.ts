// Goal: whatever happens to a farm, and in whatever order, its jobs give the bytes that one undisturbed process gives. Method: rounds
// of a fresh farm, a few jobs, and faults drawn from a printed seed, for half an hour. BIVDIFF_FAULT_MINUTES and BIVDIFF_TEST_SEED
// choose another time and repeat a run.

import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { FaultFarm } from '../support/farm/fault-farm.ts';
import { JOB_FLAGS, referenceOf } from '../support/reference.ts';
import { isAlive } from '../support/farm/farm-program.ts';
import { RandomFaults } from '../support/farm/random-faults.ts';
import { createRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';

const MINUTES = Number(process.env['BIVDIFF_FAULT_MINUTES'] ?? 30);
const SEED = Number(process.env['BIVDIFF_TEST_SEED'] ?? Date.now() % 2 ** 31);
/** Then the jobs of the round are left alone: under faults without end nothing needs to be ready ever. */
const FAULTS_PER_ROUND = 12;
const GAP_MS_MAX = 3_000;
/** Longest that all jobs of a round may take once they are left alone. */
const JOBS_MS = 300_000;
/** References before, and the last round after. */
const MORE_MS = 1_200_000;

const JOBS: readonly (readonly string[])[] = [
  [...JOB_FLAGS, '--frames', '8', '--seed', '11'],
  [...JOB_FLAGS, '--frames', '8', '--seed', '12', '--prompt', 'a red circle moving left'],
  [...JOB_FLAGS, '--frames', '12', '--seed', '13', '--steps', '4'],
];

const startMs = performance.now();
function say(line: string): void {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stderr.write(`${seconds.padStart(7)} s  ${line}\n`);
}

interface Round {
  readonly random: Random;
  readonly references: readonly string[];
  readonly counts: Map<string, number>;
}

async function playRound({ random, references, counts }: Round): Promise<void> {
  const farm = await FaultFarm.start({ workers: 0 });
  const faults = new RandomFaults(farm, random, say);
  try {
    await faults.startWorkers();
    const ids: string[] = [];
    const isOver = async (): Promise<boolean> => {
      const states = await Promise.all(ids.map(async (id) => (await farm.client.get(id)).state));
      return ids.length === JOBS.length && states.every((state) => state === 'done');
    };
    for (let fault = 0; fault < FAULTS_PER_ROUND && !(await isOver()); fault += 1) {
      const job = JOBS[ids.length];
      if (job !== undefined) ids.push(await farm.submit(job));
      await delay(random() * GAP_MS_MAX);
      await faults.next();
    }
    for (const [index, id] of ids.entries()) {
      expect(await farm.finish(id, JOBS_MS)).toBe(references[index]);
      say(`job ${id.slice(0, 8)} is done and has the right bytes`);
    }
    await checkFarm(farm, faults);
    for (const [name, count] of faults.counts) counts.set(name, (counts.get(name) ?? 0) + count);
  } finally {
    await farm.close();
    await faults.close();
  }
}

/** Nothing was lost, nothing changed, every start but a task's first has a fault that explains it, nobody died who was not killed. */
async function checkFarm(farm: FaultFarm, faults: RandomFaults): Promise<void> {
  farm.checkHistory();
  const committed = new Set(
    farm.events.filter(({ kind }) => kind === 'committed').map(({ taskId }) => taskId),
  );
  for (const taskId of farm.starts().keys()) {
    const isThere = committed.has(taskId) || (await farm.hasRecord(taskId));
    expect(isThere, `task ${taskId} was lost`).toBe(true);
  }
  expect(faults.crashed).toEqual([]);
  expect(isAlive(farm.coordinator!.child)).toBe(true);
}

it(
  `gives the right bytes through ${MINUTES} minutes of random faults`,
  { timeout: MINUTES * 60_000 + MORE_MS },
  async () => {
    say(`repeat this run with BIVDIFF_TEST_SEED=${SEED} BIVDIFF_FAULT_MINUTES=${MINUTES}`);
    const random = createRandom(SEED);
    const references: string[] = [];
    for (const job of JOBS) references.push(await referenceOf(job));
    const counts = new Map<string, number>();
    const endMs = performance.now() + MINUTES * 60_000;
    let rounds = 0;
    while (performance.now() < endMs) {
      rounds += 1;
      say(`round ${rounds}`);
      await playRound({ random, references, counts });
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    say(
      `${rounds} rounds, ${rounds * JOBS.length} jobs, ${total} faults: ${JSON.stringify([...counts])}`,
    );
    expect(total).toBeGreaterThan(rounds);
  },
);
