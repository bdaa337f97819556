// Goal: a rollout and an eviction are a drain: what busy workers ran is handed over, no task fails, no worker has to be killed, every job ends.
// Method: pods of real Deployments, in each a worker process with real leases; tasks sleep, one in four for longer than a drain waits.

import { setTimeout as delay } from 'node:timers/promises';

import { AppsV1Api, CoreV1Api, PolicyV1Api } from '@kubernetes/client-node';
import { afterEach, expect, it } from 'vitest';

import type { ScaledPool } from '../../coordinator/scaling/predicted-work.ts';
import { simulatedJob } from '../../coordinator/simulation/scenario.ts';
import { addNodes, alike } from '../support/kubernetes/nodes.ts';
import { startSleepingFarm } from '../support/kubernetes/scaling/sleeping-farm.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';

const POOLS: readonly ScaledPool[] = ['idm', 'mixer', 'vdm'];
const REPLICAS = 2;
const JOBS_MS = 240_000;

const plane = useControlPlane({}, async (started) => {
  await addNodes(started, alike(3, { name: 'gpu-node', gpus: 4 }));
});

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A farm that is busy in all pools. */
async function busyFarm(namespace: string) {
  await plane().createNamespace(namespace);
  const farm = await startSleepingFarm({
    ...{ plane: plane(), namespace, pools: POOLS, replicas: REPLICAS },
  });
  endings.push(farm.close);
  const jobs: string[] = [];
  for (let seed = 1; seed <= 4; seed += 1) {
    const job = simulatedJob({ frames: 64, window: 16, frameBatch: 4 }, seed);
    const { jobId } = await farm.coordinator.submit(job, { name: '', priority: 50 });
    jobs.push(jobId);
  }
  const isBusy = (pool: string): boolean =>
    farm.registry.alive.some(({ name, running }) => name.startsWith(pool) && running.length > 0);
  await until('all pools are busy', async () => POOLS.every(isBusy), JOBS_MS);
  return {
    farm,
    untilDone: async (): Promise<void> => {
      const states = (): readonly string[] =>
        jobs.map((jobId) => farm.coordinator.get(jobId).state);
      await until(
        'every job is over',
        async () => states().every((state) => state === 'done' || state === 'failed'),
        JOBS_MS,
      );
      expect(states()).toEqual(jobs.map(() => 'done'));
    },
  };
}

type Farm = Awaited<ReturnType<typeof busyFarm>>['farm'];

/** Workers that were told to end, and what they ran then; the rest of what was begun came to its end. */
function report(what: string, { workers, attempts }: Farm): void {
  const told = [...workers.told.values()];
  const busy = told.filter(({ running }) => running > 0).length;
  const handedOver = attempts.lost(workers.told).length;
  const figures = { told: told.length, busy, handedOver, attempts: attempts.begun };
  process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`);
  expect(busy).toBeGreaterThan(0);
  expect(attempts.failed).toBe(0);
  expect(workers.killed).toEqual(new Set());
}

it(
  'a rollout of every pool in mid-work',
  async () => {
    const namespace = 'rolled-out';
    const { farm, untilDone } = await busyFarm(namespace);
    const apps = plane().api(AppsV1Api);
    const before = POOLS.length * REPLICAS;
    for (const name of POOLS) {
      const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
      const value = { ...annotations };
      const body = [{ op: 'add', path: '/spec/template/metadata/annotations', value }];
      await apps.patchNamespacedDeployment({ name, namespace, body });
    }
    await until(
      'all workers are others',
      async () => {
        const { items } = await apps.listNamespacedDeployment({ namespace });
        return items.every(
          ({ metadata, status }) =>
            status?.observedGeneration === metadata?.generation &&
            status?.updatedReplicas === REPLICAS &&
            status.replicas === REPLICAS &&
            status.availableReplicas === REPLICAS,
        );
      },
      JOBS_MS,
    );
    await untilDone();
    expect(farm.workers.told.size).toBeGreaterThanOrEqual(before);
    report('rollout', farm);
  },
  2 * JOBS_MS,
);

it(
  'evictions of busy workers, one a pool at a time as the budget allows',
  async () => {
    const namespace = 'evicted';
    const { farm, untilDone } = await busyFarm(namespace);
    const core = plane().api(CoreV1Api);
    for (const pool of POOLS) {
      await plane()
        .api(PolicyV1Api)
        .createNamespacedPodDisruptionBudget({
          namespace,
          body: {
            metadata: { name: pool },
            spec: { maxUnavailable: 1, selector: { matchLabels: { pool } } },
          },
        });
    }
    let refused = 0;
    const evict = async (name: string): Promise<boolean> => {
      const body = { metadata: { name, namespace } };
      try {
        await core.createNamespacedPodEviction({ name, namespace, body });
        return true;
      } catch (reason) {
        const { code } = reason as { readonly code?: number };
        if (code === 429) refused += 1;
        else if (code !== 404) throw reason;
        return false;
      }
    };
    const evicted = new Set<string>();
    await until(
      'twelve busy workers were evicted',
      async () => {
        const busy = farm.registry.alive.filter(({ running }) => running.length > 0);
        for (const { name } of busy) {
          if (!evicted.has(name) && (await evict(name))) evicted.add(name);
        }
        await delay(500);
        return evicted.size >= 12;
      },
      JOBS_MS,
    );
    await untilDone();
    process.stderr.write(`${refused} evictions refused by the budgets\n`);
    report('evictions', farm);
  },
  2 * JOBS_MS,
);
