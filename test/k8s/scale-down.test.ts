// Goal: scaling down under load loses no attempt at a task, as often as BIVDIFF_SCALE_DOWNS (10) says; beside it the same by Kubernetes' own
// autoscaler, whose losses are counted. Method: pods of real Deployments, in each a worker process with real leases of a real nats-server, over
// a file store; the coordinator and its scaler as the program starts them. Acted are nodes, that containers run, and what tasks do: they sleep,
// one in four for longer than a worker that is told to end has.

import { afterEach, expect, it } from 'vitest';

import { createLog } from '../../cli/programs/log.ts';
import { startScaling } from '../../cli/programs/scaling.ts';
import { readKubernetesSettings } from '../../coordinator/kubernetes/settings.ts';
import type { ScaledPool } from '../../coordinator/scaling/predicted-work.ts';
import { simulatedJob } from '../../coordinator/simulation/scenario.ts';
import { numberOf, testSeed } from '../support/conformance/seed.ts';
import { addNodes, alike } from '../support/kubernetes/nodes.ts';
import { startQueueAutoscalers } from '../support/kubernetes/scaling/queue-autoscalers.ts';
import {
  grantScaler,
  replicasOf,
  SCALER_ACCOUNT,
  withKubeconfig,
} from '../support/kubernetes/scaling/scaled-pools.ts';
import { startSleepingFarm } from '../support/kubernetes/scaling/sleeping-farm.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';

const SCALE_DOWNS = Number(process.env['BIVDIFF_SCALE_DOWNS'] ?? 10);
const LIMIT_MS = 120_000 + SCALE_DOWNS * 30_000;
const POOLS: readonly ScaledPool[] = ['idm', 'mixer', 'vdm'];
const MAX = 3;
const COOLDOWN_SECONDS = 2;
/** By Kubernetes' own controller: of its 15 s a test of minutes would see little. */
const SYNC = '--horizontal-pod-autoscaler-sync-period=2s';

const plane = useControlPlane({ flags: { 'kube-controller-manager': [SYNC] } }, async (started) => {
  await addNodes(started, alike(3, { name: 'gpu-node', gpus: 4 }));
});

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type Farm = Awaited<ReturnType<typeof startSleepingFarm>>;

async function arrange(namespace: string, replicas: number): Promise<Farm> {
  await plane().createNamespace(namespace);
  await grantScaler(plane(), namespace);
  const farm = await startSleepingFarm({ plane: plane(), namespace, pools: POOLS, replicas });
  endings.push(farm.close);
  return farm;
}

/** Jobs of some length, one after another with some time in between, while `isEnough` does not hold. */
async function keepWorking(
  { coordinator }: Farm,
  isEnough: () => boolean | Promise<boolean>,
): Promise<void> {
  const seed = testSeed();
  let jobs = 0;
  let nextMs = 0;
  await until(
    'it was scaled down often enough',
    async () => {
      if (performance.now() >= nextMs) {
        jobs += 1;
        const frames = [16, 16, 32, 48][numberOf(`${seed} frames ${jobs}`, 4)]!;
        const job = simulatedJob({ frames, window: 16, frameBatch: 4 }, jobs);
        await coordinator.submit(job, { name: '', priority: 50 });
        nextMs = performance.now() + 6_000 + numberOf(`${seed} pause ${jobs}`, 16_000);
      }
      return isEnough();
    },
    LIMIT_MS,
  );
}

function report(what: string, farm: Farm, scaleDowns: readonly number[]) {
  const { attempts, workers } = farm;
  const told = [...workers.told.values()];
  const figures = {
    scaleDowns: scaleDowns.length,
    underLoad: scaleDowns.filter((busy) => busy > 0).length,
    workersEnded: told.length,
    endedWithLease: told.filter(({ running }) => running > 0).length,
    killed: workers.killed.size,
    ...{ attempts: attempts.begun, failed: attempts.failed },
    lost: attempts.lost(workers.told).length,
  };
  process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`);
  return figures;
}

/** Workers that run something. */
function busyOf({ registry }: Farm): number {
  return registry.alive.filter(({ running }) => running.length > 0).length;
}

it(
  'by the scaler: no pod with a lease is deleted, no attempt is lost',
  async () => {
    const namespace = 'by-scaler';
    const farm = await arrange(namespace, 0);
    const pool = (name: string): string =>
      `{ deployment: ${name}, max: ${MAX}, cooldownSeconds: ${COOLDOWN_SECONDS}, startSeconds: 2 }`;
    const pools = POOLS.map((name) => `${name}: ${pool(name)}`).join(', ');
    const settings = readKubernetesSettings(
      `namespace: ${namespace}\nscaler: { targetSeconds: 20, pools: { ${pools} } }\n`,
      'test',
    );
    const scaleDowns: number[] = [];
    const said: string[] = [];
    const note = (line: string): boolean => {
      said.push(line);
      const {
        message,
        from = 0,
        to = 0,
      } = JSON.parse(line) as {
        readonly [key in 'from' | 'to']?: number;
      } & { readonly message: string };
      if (message === 'replicas set' && to < from) scaleDowns.push(busyOf(farm));
      return true;
    };
    const account = await plane().serviceAccount(namespace, SCALER_ACCOUNT);
    const { coordinator, registry, talk } = farm;
    const scaling = await withKubeconfig(account, () =>
      startScaling({
        ...{ coordinator, workers: registry, talk, log: createLog({ write: note }, 'test') },
        place: { settings, namespace, identity: 'test', pod: undefined },
      }),
    );
    endings.push(async () => scaling.end());
    await keepWorking(farm, () => scaleDowns.length >= SCALE_DOWNS).catch(
      async (cause: unknown) => {
        throw new Error(said.slice(-20).join(''), { cause });
      },
    );
    // What was asked for last is done too.
    await until('the last ones have ended', async () => {
      const wanted = await Promise.all(POOLS.map((name) => replicasOf(plane(), namespace, name)));
      return wanted.reduce((sum, one) => sum + one, 0) === farm.workers.size;
    });
    const figures = report('by the scaler', farm, scaleDowns);
    expect(figures).toMatchObject({ endedWithLease: 0, killed: 0, failed: 0, lost: 0 });
    expect(figures.workersEnded).toBeGreaterThanOrEqual(SCALE_DOWNS);
    expect(figures.underLoad).toBeGreaterThan(0);
  },
  LIMIT_MS + 120_000,
);

it(
  'by a HorizontalPodAutoscaler on the length of queues: the same load, and what it costs',
  async () => {
    const namespace = 'by-autoscaler';
    const farm = await arrange(namespace, 1);
    const autoscalers = await startQueueAutoscalers({
      ...{ plane: plane(), namespace, pools: POOLS, max: MAX },
      stabilizationSeconds: COOLDOWN_SECONDS,
      queueLength: (pool) => farm.queueLength(pool as ScaledPool),
    });
    endings.push(async () => autoscalers[Symbol.asyncDispose]());
    const scaleDowns: number[] = [];
    const known = new Map<string, number>();
    await keepWorking(farm, async () => {
      for (const name of POOLS) {
        const replicas = await replicasOf(plane(), namespace, name);
        if (replicas < (known.get(name) ?? 0)) scaleDowns.push(busyOf(farm));
        known.set(name, replicas);
      }
      return scaleDowns.length >= SCALE_DOWNS;
    });
    const figures = report('by a HorizontalPodAutoscaler', farm, scaleDowns);
    expect(figures.scaleDowns).toBeGreaterThanOrEqual(SCALE_DOWNS);
    // Of many some are busy, or the load would not tell the two apart.
    if (SCALE_DOWNS >= 50) expect(figures.endedWithLease).toBeGreaterThan(0);
  },
  LIMIT_MS + 120_000,
);
