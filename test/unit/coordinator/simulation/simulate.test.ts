// Whole simulations, small ones: the coordinator is the real one.

import { describe, expect, it } from 'vitest';

import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import { balancedPools } from '../../../../coordinator/simulation/scenario.ts';
import type { Scenario, WorkerPool } from '../../../../coordinator/simulation/scenario.ts';
import { simulate } from '../../../../coordinator/simulation/simulate.ts';
import { NO_TENANTS } from '../../../../coordinator/simulation/tenancy.ts';
import type { SimulationResult } from '../../../../coordinator/simulation/simulation-result.ts';
import { TIME_ACCOUNTS } from '../../../../coordinator/simulation/slot-ledger.ts';
import type { PoolTime } from '../../../../coordinator/simulation/slot-ledger.ts';

function scenarioOf(workers: number, changes: Partial<Scenario> = {}): Scenario {
  const scenario = {
    jobs: 5,
    frames: 200,
    window: 16,
    frameBatch: 4,
    arrivalSeconds: 0,
    seconds: { idm: 1, mixer: 10, vdm: 30 },
    anySeconds: 0.05,
    spread: 0.2,
    stragglers: { share: 0, factor: 1 },
    failures: 0,
    poison: 0,
    deathsPerHour: 0,
    returnSeconds: 60,
    ackWaitMs: 6_000,
    ...NO_TENANTS,
    seed: 1,
    ...changes,
  };
  const counts = balancedPools(workers, scenario);
  const pool = (name: WorkerPool) => ({
    workers: counts[name],
    slots: 1,
    speed: 1,
  });
  return { pools: { idm: pool('idm'), mixer: pool('mixer'), vdm: pool('vdm') }, ...scenario };
}

function run(scenario: Scenario, policy = DEFAULT_FAILURE_POLICY): Promise<SimulationResult> {
  return simulate({ scenario, policy, realMs: () => performance.now() });
}

/** What must be the same from run to run. */
const without = (result: SimulationResult) => ({ ...result, real: undefined });

function sum(pools: readonly PoolTime[], ...accounts: (keyof PoolTime)[]): number {
  return pools.flatMap((time) => accounts.map((account) => time[account])).reduce((a, b) => a + b);
}

describe('a simulation', () => {
  it('of 200 workers and 5 jobs is near the bound, never below it, and its times add up', async () => {
    const result = await run(scenarioOf(200));
    expect(result).toMatchObject({ jobsDone: 5, jobsFailed: 0, troubles: 0 });
    expect(result.attempts).toMatchObject({ committed: result.tasks, failed: 0, lost: 0 });
    // Of the few that took long by chance idle workers began a second copy, and were stopped.
    expect(result.attempts.cancelled).toBeLessThan(0.02 * result.tasks);
    // Two reports of each run.
    expect(result.events).toBe(2 * (result.tasks + result.attempts.cancelled));
    expect(result.makespanSeconds).toBeGreaterThanOrEqual(result.bound.makespan);
    expect(result.makespanSeconds).toBeLessThan(1.4 * result.bound.makespan);
    expect(sum(result.pools, ...TIME_ACCOUNTS)).toBeCloseTo(200 * result.makespanSeconds, 3);
    expect(sum(result.pools, 'away')).toBe(0);
    expect(Math.abs(sum(result.pools, 'straggling'))).toBeLessThan(1e-6);
  });

  it('ends sooner for second copies where some workers are far too slow', async () => {
    const scenario = scenarioOf(200, { stragglers: { share: 0.01, factor: 10 } });
    const result = await run(scenario);
    const patient = { ...DEFAULT_FAILURE_POLICY, copyFactor: Infinity };
    const waiting = await run(scenario, patient);
    expect(waiting.attempts.cancelled).toBe(0);
    expect(result.attempts).toMatchObject({ committed: result.tasks, failed: 0, lost: 0 });
    expect(result.makespanSeconds).toBeLessThan(0.7 * waiting.makespanSeconds);
  });

  it('of one job on ample workers takes little more than its longest chain', async () => {
    const result = await run(scenarioOf(2000, { jobs: 1 }));
    expect(result.bound.because).toBe('the longest chain of tasks');
    expect(result.makespanSeconds).toBeLessThan(1.1 * result.bound.makespan);
  });

  it('of one worker a pool ends, though each tries again what it failed', async () => {
    const one = { workers: 1, slots: 1, speed: 1 };
    const pools = { idm: one, mixer: one, vdm: one };
    const scenario = { ...scenarioOf(3, { jobs: 2, frames: 64, failures: 0.1, seed: 2 }), pools };
    const result = await run(scenario);
    expect(result).toMatchObject({ jobsDone: 2, jobsFailed: 0 });
    expect(result.attempts.failed).toBeGreaterThan(0);
  });

  it('is the same for a seed, and another for another', async () => {
    const changes = { failures: 0.02, deathsPerHour: 20, stragglers: { share: 0.05, factor: 3 } };
    const first = await run(scenarioOf(100, changes));
    const again = await run(scenarioOf(100, changes));
    const other = await run(scenarioOf(100, { ...changes, seed: 2 }));
    expect(without(again)).toEqual(without(first));
    expect(other.makespanSeconds).not.toBe(first.makespanSeconds);
  });

  it('ends every job in spite of failures, deaths and stragglers, and says what they cost', async () => {
    const calm = await run(scenarioOf(100));
    const result = await run(
      scenarioOf(100, {
        failures: 0.01,
        deathsPerHour: 20,
        stragglers: { share: 0.05, factor: 3 },
      }),
    );
    expect(result).toMatchObject({ jobsDone: 5, jobsFailed: 0, troubles: 0 });
    expect(result.attempts.committed).toBe(result.tasks);
    expect(result.attempts.failed).toBeGreaterThan(0);
    expect(result.attempts.lost).toBeGreaterThan(0);
    expect(result.deaths).toBeGreaterThanOrEqual(result.attempts.lost);
    for (const account of ['repeated', 'straggling', 'away'] as const) {
      expect(sum(result.pools, account)).toBeGreaterThan(1);
    }
    // The work itself is the same, and so is the least time for it.
    expect(sum(result.pools, 'busy')).toBeCloseTo(sum(calm.pools, 'busy'), 3);
    expect(result.bound.makespan).toBeCloseTo(calm.bound.makespan, 6);
    expect(sum(result.pools, ...TIME_ACCOUNTS)).toBeCloseTo(100 * result.makespanSeconds, 3);
  });

  it('gives a task to another worker when the lease of a dead one has lapsed', async () => {
    const slow = { jobs: 1, frames: 16, spread: 0, deathsPerHour: 60, returnSeconds: 600 };
    const result = await run(scenarioOf(60, slow));
    expect(result.jobsDone).toBe(1);
    expect(result.attempts.lost).toBeGreaterThan(0);
    const calm = await run(scenarioOf(60, { ...slow, deathsPerHour: 0 }));
    expect(result.makespanSeconds).toBeGreaterThan(calm.makespanSeconds + 6);
  });

  it('fails the one job that has a poison task, and no other', async () => {
    const result = await run(scenarioOf(100, { poison: 1 }));
    expect(result).toMatchObject({ jobsDone: 4, jobsFailed: 1, troubles: 0 });
    // As often as the failure policy tries.
    expect(result.attempts.failed).toBe(3);
  });

  it('submits jobs over time, and bounds the makespan by the last of them', async () => {
    const result = await run(scenarioOf(200, { arrivalSeconds: 500 }));
    expect(result.jobsDone).toBe(5);
    expect(result.makespanSeconds).toBeGreaterThan(400);
    expect(result.bound.makespan).toBeGreaterThan(400);
    expect(result.makespanSeconds).toBeLessThan(1.2 * result.bound.makespan);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort();
    const running = simulate({ scenario: scenarioOf(50), realMs: () => 0, signal });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });
});
