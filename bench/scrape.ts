// What a scrape of a coordinator's metrics takes: a farm of 1,000 workers and 2,000 jobs, all of them active if the farm has room, beside
// one of 10 workers and 20 jobs. The real coordinator, memory bus and memory store; nobody works.

import { createMemoryBus } from '../common/bus/memory/index.ts';
import { PROTOCOL_VERSION } from '../common/protocol-version.ts';
import { createMemoryStore } from '../common/store/memory/index.ts';
import { CoordinatorMetrics } from '../cli/programs/metrics/coordinator-metrics.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import { WorkerRegistry } from '../coordinator/dispatch/worker-registry.ts';
import { DEFAULT_FAILURE_POLICY } from '../coordinator/domain/failure-policy.ts';
import { systemClock } from '../coordinator/ports.ts';
import { benchJob } from './bench-job.ts';

const SCRAPES = 50;

export interface ScrapeFigures {
  readonly workers: number;
  readonly jobs: number;
  readonly active: number;
  readonly bytes: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

export async function measureScrape(workers: number, jobs: number): Promise<ScrapeFigures> {
  // None is forgotten while jobs are put on the farm.
  const registry = new WorkerRegistry({ ...systemClock, nowMs: () => 0 });
  const { numerics } = benchJob(8);
  for (let i = 0; i < workers; i += 1) {
    registry.note({
      ...{ protocol: PROTOCOL_VERSION, name: `w${i}`, pools: ['idm', 'mixer', 'vdm'], slots: 1 },
      ...{ pid: i, host: 'bench', numerics, memoryBytes: 1, running: [], draining: false },
      ...{ committed: 0, gathered: { hits: 0, misses: 0, fallbacks: 0 }, leaving: false },
    });
  }
  const bus = createMemoryBus({ ackWaitMs: 60_000 });
  const coordinator = new Coordinator({
    ...{ store: createMemoryStore(), bus, workers: registry, clock: systemClock, name: 'bench' },
    ...{ policy: DEFAULT_FAILURE_POLICY, nowMs: Date.now, conclude: async () => undefined },
    onTrouble: () => undefined,
  });
  const end = new AbortController();
  const running = coordinator.run(end.signal);
  await coordinator.known;
  for (let seed = 0; seed < jobs; seed += 1) {
    await coordinator.submit({ ...benchJob(8), seed }, { name: `job ${seed}`, priority: 50 });
  }
  const metrics = new CoordinatorMetrics();
  metrics.lead(() => ({
    numbers: coordinator.numbers,
    workers: registry.alive,
    malformed: new Map(),
  }));
  const tookMs: number[] = [];
  let bytes = 0;
  for (let i = 0; i < SCRAPES; i += 1) {
    const begunMs = performance.now();
    bytes = (await metrics.registry.text()).length;
    tookMs.push(performance.now() - begunMs);
  }
  const active = coordinator.numbers.jobs.get('running') ?? 0;
  metrics.registry.close();
  end.abort();
  await running;
  await bus.close();
  const sorted = tookMs.toSorted((a, b) => a - b);
  return { workers, jobs, active, bytes, medianMs: sorted[SCRAPES >> 1]!, maxMs: sorted.at(-1)! };
}
