// A coordinator in this process with scripted workers: memory bus and memory store, real time.

import { createMemoryBus } from '../../../common/bus/memory/index.ts';
import type { Bus } from '../../../common/bus/ports.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { Pool, Task } from '../../../common/task.ts';
import { PROTOCOL_VERSION } from '../../../common/protocol-version.ts';
import { Coordinator } from '../../../coordinator/coordinator.ts';
import type { CoordinatorOptions } from '../../../coordinator/coordinator.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../coordinator/domain/failure-policy.ts';
import type { JobView } from '../../../coordinator/jobs/known-jobs.ts';
import type { JobState } from '../../../coordinator/jobs/job-log.ts';
import { systemClock } from '../../../coordinator/ports.ts';
import { WorkerRegistry } from '../../../coordinator/dispatch/worker-registry.ts';
import { acceptedJob } from '../jobs.ts';
import { runScriptedWorker } from './scripted-worker.ts';

const WAIT_MS = 10_000;

export interface HarnessOptions extends Partial<
  Pick<CoordinatorOptions, 'keepJobsMs' | 'clock' | 'nowMs' | 'conclude' | 'policy' | 'onOutcome'>
> {
  readonly store?: Store;
  /** The bus as the coordinator sees it. */
  readonly wrapBus?: (bus: Bus) => Bus;
}

export class CoordinatorHarness {
  readonly store: Store;
  readonly bus: Bus = createMemoryBus({ ackWaitMs: 10_000 });
  readonly workers = new WorkerRegistry(systemClock);
  readonly coordinator: Coordinator;
  readonly #ending = new AbortController();
  readonly #running: Promise<unknown>[] = [];

  constructor({ store = createMemoryStore(), wrapBus, ...options }: HarnessOptions = {}) {
    this.store = store;
    const { bus, workers } = this;
    this.coordinator = new Coordinator({
      ...{ store, bus: wrapBus?.(bus) ?? bus, workers, clock: systemClock, name: 'test' },
      policy: { ...DEFAULT_FAILURE_POLICY, retryDelayMs: 1 },
      nowMs: Date.now,
      conclude: () => Promise.resolve(),
      onTrouble: () => undefined,
      ...options,
    });
    this.#running.push(this.coordinator.run(this.#ending.signal));
  }

  addWorker(name: string, script?: (task: Task, attempt: number) => void | Promise<void>): void {
    const pools: Pool[] = ['idm', 'mixer', 'vdm'];
    this.workers.note({
      ...{ protocol: PROTOCOL_VERSION, name, pools, slots: 1, pid: 1, host: 'test' },
      ...{ running: [], draining: false, committed: 0, leaving: false },
      numerics: acceptedJob().numerics,
      memoryBytes: 1,
      gathered: { hits: 0, misses: 0, fallbacks: 0 },
    });
    const { bus, store } = this;
    const options = { bus, store, name, ...(script === undefined ? {} : { script }) };
    this.#running.push(runScriptedWorker(options, this.#ending.signal));
  }

  /** Waits until the job is in this state. */
  async until(id: string, state: JobState, limitMs = WAIT_MS): Promise<JobView> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const view = this.coordinator.get(id);
      if (view.state === state) return view;
      if (performance.now() > deadline) {
        throw new Error(`job is ${view.state}, not ${state}: ${view.facts.failure?.message}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
    await this.bus.close();
  }
}
