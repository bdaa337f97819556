// A farm under many users, in virtual time: owners get their shares, the urgent do not wait for the others, and classes that nobody serves
// cost nothing. The coordinator is the real one.

import { describe, expect, it } from 'vitest';

import { balancedPools, slotsOf } from '../../../../coordinator/simulation/scenario.ts';
import type { Scenario } from '../../../../coordinator/simulation/scenario.ts';
import { simulate } from '../../../../coordinator/simulation/simulate.ts';
import type { SimulationResult } from '../../../../coordinator/simulation/simulation-result.ts';
import { NO_TENANTS, tenantOf } from '../../../../coordinator/simulation/tenancy.ts';
import type { SimulatedRun } from '../../../../coordinator/simulation/world/farm-options.ts';
import {
  longestInversion,
  sharesAtTenths,
  tenantRuns,
} from '../../../support/simulated-tenants.ts';
import type { TenantRun } from '../../../support/simulated-tenants.ts';

const WORKERS = 60;
const TENANTS = {
  owners: [
    { name: 'ann', weight: 3 },
    { name: 'bob', weight: 1 },
  ],
  priorities: [0, 50, 100],
  classes: [
    { name: 'x', share: 2 },
    { name: 'y', share: 1 },
    { name: 'gone', share: 0 },
  ],
};

function scenarioOf(changes: Partial<Scenario> = {}): Scenario {
  const scenario = {
    ...{ jobs: 40, frames: 96, window: 16, frameBatch: 4, arrivalSeconds: 0 },
    ...{ seconds: { idm: 1, mixer: 10, vdm: 30 }, anySeconds: 0.05, spread: 0.2 },
    ...{ stragglers: { share: 0, factor: 1 }, failures: 0, poison: 0, deathsPerHour: 0 },
    ...{ returnSeconds: 60, ackWaitMs: 6_000, seed: 1 },
    ...TENANTS,
    ...changes,
  };
  const counts = balancedPools(WORKERS, scenario);
  const pool = (workers: number) => ({ workers, slots: 1, speed: 1 });
  return {
    pools: { idm: pool(counts.idm), mixer: pool(counts.mixer), vdm: pool(counts.vdm) },
    ...scenario,
  };
}

async function run(scenario: Scenario): Promise<{ result: SimulationResult; runs: TenantRun[] }> {
  const seen: SimulatedRun[] = [];
  const onRun = (one: SimulatedRun): void => void seen.push(one);
  const result = await simulate({ scenario, onRun, realMs: () => performance.now() });
  return { result, runs: tenantRuns(scenario, seen) };
}

describe('a farm of two owners, three priorities and three classes', () => {
  it('gives the owners their shares at every tenth of the run', async () => {
    const { result, runs } = await run(scenarioOf());
    expect(result).toMatchObject({ jobsDone: 28, jobsFailed: 0, jobsUnserved: 12, troubles: 0 });
    for (const [owner, shares] of sharesAtTenths(runs)) {
      const part = owner === 'ann' ? 0.75 : 0.25;
      for (const share of shares) expect(Math.abs(share - part)).toBeLessThan(0.05);
    }
  });

  it('lets nobody wait behind the less urgent for longer than a task', async () => {
    for (const seed of [1, 2, 3]) {
      const seconds = { idm: 4, mixer: 40, vdm: 120 };
      const scenario = scenarioOf({ arrivalSeconds: 800, seconds, seed });
      const { result, runs } = await run(scenario);
      expect(result).toMatchObject({ jobsFailed: 0, jobsUnserved: 12, troubles: 0 });
      const inverted = longestInversion(runs, ({ pool, className }) =>
        slotsOf(scenario, pool, className),
      );
      expect(inverted).toBeGreaterThan(0);
      expect(inverted).toBeLessThan(1);
    }
  });

  it('is as fast as without the jobs of the class that nobody serves', async () => {
    const scenario = scenarioOf();
    const { result, runs } = await run(scenario);
    const served = TENANTS.classes.filter(({ share }) => share > 0);
    // The same jobs, dealt to the same owners.
    const alone = { ...scenario, jobs: 28, classes: served };
    const { result: without } = await run(alone);
    expect(result.jobsDone).toBe(40 - result.jobsUnserved);
    expect(new Set(runs.map(({ className }) => className))).toEqual(new Set(['x', 'y']));
    expect(result.jobsDone).toBe(without.jobsDone);
    expect(result.makespanSeconds).toBeLessThan(1.02 * without.makespanSeconds);
  });

  it('begins a job of an idle owner within the time of one task', async () => {
    // Of 40 jobs the last one comes late, when all slots are busy with long tasks of the other.
    const owners = [
      { name: 'ann', weight: 39 },
      { name: 'bob', weight: 1 },
    ];
    const scenario = scenarioOf({ owners, priorities: [0], classes: NO_TENANTS.classes });
    const late = { ...scenario, seconds: { idm: 8, mixer: 40, vdm: 120 }, arrivalSeconds: 400 };
    expect(tenantOf(late, 39).owner).toBe('bob');
    const { runs } = await run(late);
    const mine = runs.filter(({ owner, pool }) => owner === 'bob' && pool === 'idm');
    const submittedMs = (1000 * late.arrivalSeconds * 39) / 40;
    const beganMs = Math.min(...mine.map((one) => one.beganMs));
    const before = runs.filter(
      ({ pool, beganMs: from, endedMs }) =>
        pool === 'idm' && from < submittedMs && endedMs > submittedMs,
    );
    expect(before.length).toBe(late.pools.idm.workers);
    const lengths = before.map((one) => one.endedMs - one.beganMs).sort((a, b) => a - b);
    const taskMs = lengths[lengths.length >> 1]!;
    expect(beganMs - submittedMs).toBeLessThan(taskMs);
  });
});
