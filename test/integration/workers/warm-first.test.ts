// Goal: where tasks of two bundles are mixed, each worker stays with what it has loaded, and changes when that leaves it idle for longer than
// loading takes. Method: a real nats-server, the coordinator's registry and two real worker loops whose tasks "load" for a while whenever the bundle changes.

import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startNatsServer } from '../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../cli/programs/nats-server.ts';
import { CoordinatorTalk, openNatsBus, WorkerTalk } from '../../../common/bus/nats/index.ts';
import type { NatsBus } from '../../../common/bus/nats/index.ts';
import type { TaskMessage } from '../../../common/bus/ports.ts';
import { queueOfStage } from '../../../common/placement.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { Store } from '../../../common/store/ports.ts';
import { digestText } from '../../../common/digest.ts';
import { PROTOCOL_VERSION } from '../../../common/protocol-version.ts';
import type { Digest, Task } from '../../../common/task.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import { WorkerRegistry } from '../../../coordinator/dispatch/worker-registry.ts';
import { systemClock } from '../../../coordinator/ports.ts';
import { runWorker } from '../../../workers/worker.ts';
import { messageOf } from '../../support/conformance/bus/bus-messages.ts';
import { createRandom } from '../../support/random.ts';
import { classesNamed } from '../../support/jobs.ts';

const LOAD_MS = 1_000;
const RUN_MS = 40;
const ACK_WAIT_MS = 10_000;
const { stage, numericsClass } = messageOf('any').task;
const QUEUE = queueOfStage(stage, numericsClass);
const BUNDLES = ['a', 'b'];

let server: NatsServer;
beforeAll(async () => {
  server = await startNatsServer();
});
afterAll(() => server.close());

function taskOfBundle(bundle: string, index: number): TaskMessage {
  const message = messageOf(`${bundle} ${String(index)}`);
  return { ...message, task: { ...message.task, models: { unet: digestText(bundle) } } };
}

/** Has room for one bundle. */
class OneBundleWorker {
  readonly name: string;
  /** Bundles, in the order in which they were loaded. */
  readonly loads: string[] = [];
  /** Bundles of the tasks that it ran. */
  readonly ran: string[] = [];
  isBusy = false;

  constructor(name: string) {
    this.name = name;
  }

  get loaded(): Record<Digest, number> {
    const bundle = this.loads.at(-1);
    return bundle === undefined ? {} : { [digestText(bundle)]: LOAD_MS };
  }

  get status(): WorkerStatus {
    const running = this.isBusy ? [messageOf('any').task.id] : [];
    return {
      ...{ protocol: PROTOCOL_VERSION, name: this.name, pools: ['idm'], slots: 1, pid: 1 },
      ...{ host: 'here', numerics: classesNamed(numericsClass), memoryBytes: 8, running },
      ...{ draining: false, committed: 0 },
      ...{ gathered: { hits: 0, misses: 0, fallbacks: 0 }, leaving: false, loaded: this.loaded },
    };
  }

  async work(
    bus: NatsBus,
    store: Store,
    { isWarmFirst, signal }: { readonly isWarmFirst: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const runBundle = async (bundle: string): Promise<void> => {
      this.isBusy = true;
      if (this.loads.at(-1) !== bundle) {
        await delay(LOAD_MS);
        this.loads.push(bundle);
      }
      await delay(RUN_MS);
      this.ran.push(bundle);
      this.isBusy = false;
    };
    await runWorker(
      {
        ...{ name: this.name, bus, store, slots: 1, ackWaitMs: ACK_WAIT_MS, queues: [QUEUE] },
        takesAhead: true,
        ...(isWarmFirst && {
          costOfLoading: ({ task }) => this.#costOfLoading(new WorkerTalk(bus, this.name), task),
        }),
        runTask: ({ models }, { onDevice }) =>
          onDevice(async () => {
            await runBundle(BUNDLES.find((bundle) => digestText(bundle) === models['unet'])!);
            return { outputs: {}, busySeconds: 0 };
          }),
      },
      signal,
    );
  }

  #costOfLoading(talk: WorkerTalk, { models, ...task }: Task): Promise<number> {
    return talk.loadingCost({
      ...{ worker: this.name, stage: task.stage, numericsClass: task.numericsClass },
      ...{ memoryBytes: 0, excludedWorkers: [], models: Object.values(models) },
      loaded: Object.keys(this.loaded) as Digest[],
    });
  }
}

interface Farm {
  readonly workers: readonly [OneBundleWorker, OneBundleWorker];
  publish(messages: readonly TaskMessage[]): Promise<void>;
  /** Resolves when so many tasks were committed in all. */
  committed(count: number): Promise<void>;
  close(): Promise<void>;
}

async function openFarm(isWarmFirst: boolean): Promise<Farm> {
  const open = (name: string): Promise<NatsBus> =>
    openNatsBus({ servers: [server.url], name, ackWaitMs: ACK_WAIT_MS });
  const end = new AbortController();
  const buses = await Promise.all(['coordinator', 'one', 'two'].map(open));
  const [coordinator, ...ofWorkers] = buses as [NatsBus, NatsBus, NatsBus];
  const workers = [new OneBundleWorker('one'), new OneBundleWorker('two')] as const;
  const store = createMemoryStore();
  const done = new Set<string>();
  const follow = async (): Promise<void> => {
    for await (const event of coordinator.events(end.signal))
      if (event.kind === 'committed') done.add(event.taskId);
  };
  const following = follow();
  const registry = new WorkerRegistry(systemClock);
  new CoordinatorTalk(coordinator).answerLoading((question) => registry.costOfLoading(question));
  const beats = setInterval(() => {
    for (const { status } of workers) registry.note(status);
  }, 20);
  const { signal } = end;
  const working = workers.map((worker, i) =>
    worker.work(ofWorkers[i]!, store, { isWarmFirst, signal }),
  );
  return {
    workers,
    publish: async (messages) => {
      for (const message of messages) await coordinator.publish(QUEUE, message);
    },
    committed: async (count) => {
      while (done.size < count) await delay(10);
    },
    close: async () => {
      end.abort();
      clearInterval(beats);
      await Promise.all([following, ...working]);
      await Promise.all(buses.map((bus) => bus.close()));
    },
  };
}

/** Both have a bundle of their own loaded; then tasks of both come mixed. */
async function runMixed(isWarmFirst: boolean): Promise<Farm['workers']> {
  const farm = await openFarm(isWarmFirst);
  await farm.publish([taskOfBundle('a', 0), taskOfBundle('b', 0)]);
  await farm.committed(2);
  const indices = Array.from({ length: 20 }, (_, i) => i + 1);
  const mixed = ['a', 'b'].flatMap((bundle) => indices.map((i) => taskOfBundle(bundle, i)));
  await farm.publish(shuffled(mixed));
  await farm.committed(42);
  await farm.close();
  return farm.workers;
}

/** Always the same. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  const random = createRandom(7);
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

function loadsOf(workers: Farm['workers']): number {
  return workers.reduce((sum, { loads }) => sum + loads.length, 0);
}

describe('two workers, two bundles', () => {
  it('each stays with the bundle that it has loaded, while there are tasks of it', async () => {
    const workers = await runMixed(true);
    expect(workers[0].ran.length + workers[1].ran.length).toBe(42);
    for (const { ran, loads } of workers) {
      expect(new Set(ran.slice(0, 15))).toEqual(new Set([loads[0]]));
      // At the end, one that has nothing left may help the other out.
      expect(loads.length).toBeLessThanOrEqual(2);
    }
  });

  it('load again and again where nobody heeds what is loaded', async () => {
    expect(loadsOf(await runMixed(false))).toBeGreaterThan(6);
  }, 60_000);

  it('one that has nothing else to do loads the bundle of the other, after as long as that takes', async () => {
    const farm = await openFarm(true);
    await farm.publish([taskOfBundle('a', 0), taskOfBundle('b', 0)]);
    await farm.committed(2);
    const begunMs = performance.now();
    // Four seconds of work for one, two for both: helping pays only because nobody knows how much there will be.
    await farm.publish(Array.from({ length: 100 }, (_, i) => taskOfBundle('a', i + 1)));
    await farm.committed(102);
    const tookMs = performance.now() - begunMs;
    await farm.close();
    const helper = farm.workers.find(({ loads }) => loads[0] === 'b')!;
    expect(helper.loads).toEqual(['b', 'a']);
    expect(helper.ran.filter((bundle) => bundle === 'a').length).toBeGreaterThan(10);
    // Idle for as long as loading takes, then loading; the rest is shared.
    expect(tookMs).toBeGreaterThan(2 * LOAD_MS);
  }, 60_000);
});
