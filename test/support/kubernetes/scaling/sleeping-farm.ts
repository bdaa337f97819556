// A farm whose workers are pods of Deployments: a real nats-server, file store and coordinator, here; worker processes as pods come and go.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AppsV1Api } from '@kubernetes/client-node';

import { ACK_WAIT_MS } from '../../../../cli/flags/farm-settings.ts';
import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import { CoordinatorTalk, openNatsBus } from '../../../../common/bus/nats/index.ts';
import { queueOfStage } from '../../../../common/placement.ts';
import { STAGE_FACTS } from '../../../../common/stage-facts.ts';
import { openFileStore } from '../../../../common/store/file/index.ts';
import { STAGES } from '../../../../common/task.ts';
import { Coordinator } from '../../../../coordinator/coordinator.ts';
import { WorkerRegistry } from '../../../../coordinator/dispatch/worker-registry.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import { systemClock } from '../../../../coordinator/ports.ts';
import type { ScaledPool } from '../../../../coordinator/scaling/predicted-work.ts';
import { NO_TENANTS } from '../../../../coordinator/simulation/tenancy.ts';
import type { ControlPlane } from '../plane/control-plane.ts';
import { BY_HAND_LABEL } from '../plane/kwok-stages.ts';
import { until } from '../until.ts';
import { AttemptBook } from './attempt-book.ts';
import { PodWorkers } from './pod-workers.ts';
import { deploymentOf } from './scaled-pools.ts';

/** Of the workers, as of simulated jobs. */
const CLASS = NO_TENANTS.classes[0]!.name;
/** What runs may take so long after SIGTERM, less than the longest task; and when SIGKILL comes. */
const DRAIN_MS = 1_000;
const GRACE_SECONDS = 3;

export interface SleepingFarmOptions {
  readonly plane: ControlPlane;
  /** One that is there; the Deployments are named as their pools. */
  readonly namespace: string;
  readonly pools: readonly ScaledPool[];
  /** Of each pool, at first. */
  readonly replicas: number;
}

export async function startSleepingFarm(options: SleepingFarmOptions) {
  const { plane, namespace, pools, replicas } = options;
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-scaled-'));
  const storeFolder = join(folder, 'store');
  const nats = await startNatsServer();
  const store = await openFileStore(storeFolder);
  const bus = await openNatsBus({ servers: [nats.url], name: 'test', ackWaitMs: ACK_WAIT_MS });
  const talk = new CoordinatorTalk(bus);
  const registry = new WorkerRegistry(systemClock);
  talk.onBeat((status) => {
    registry.note(status);
  });
  const attempts = new AttemptBook();
  const coordinator = new Coordinator({
    ...{ store, bus: attempts.watch(bus), workers: registry, clock: systemClock, name: 'test' },
    ...{ policy: DEFAULT_FAILURE_POLICY, nowMs: Date.now, onTrouble: () => undefined },
    conclude: () => Promise.resolve(),
  });
  const workers = new PodWorkers({
    ...{ plane, namespace },
    argsOf: (name, pool) => [
      ...['--nats', nats.url, '--store', storeFolder, '--class', CLASS],
      ...['--name', name, '--pool', pool, '--drain-ms', String(DRAIN_MS)],
    ],
  });
  const ending = new AbortController();
  const running = Promise.all([coordinator.run(ending.signal), workers.follow(ending.signal)]);
  const apps = plane.api(AppsV1Api);
  for (const pool of pools) {
    const body = deploymentOf(pool, replicas, { [BY_HAND_LABEL]: '' });
    body.spec!.template.spec!.terminationGracePeriodSeconds = GRACE_SECONDS;
    await apps.createNamespacedDeployment({ namespace, body });
  }
  return {
    ...{ coordinator, registry, talk, workers, attempts },
    /** Messages of a pool's tasks that wait or are leased: the lag of its queues. */
    queueLength: async (pool: ScaledPool): Promise<number> => {
      const queues = STAGES.filter((stage) => STAGE_FACTS[stage].pool === pool);
      const lengths = queues.map((stage) => bus.depth(queueOfStage(stage, CLASS)));
      return (await Promise.all(lengths)).reduce((sum, one) => sum + one, 0);
    },
    /** Ends its workers and all else. */
    close: async (): Promise<void> => {
      await apps.deleteCollectionNamespacedDeployment({ namespace });
      await until('all workers have ended', async () => workers.size === 0);
      ending.abort();
      await running;
      await bus.close();
      await store.close();
      await nats.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
