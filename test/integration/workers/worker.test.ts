// Goal: a worker hands back what is not for it, and leaves that queue to others for a moment; whoever hears of a failure can publish the
// task again at once. Method: the real loop, memory bus and memory store; a real nats-server.

import { setImmediate as nextTurn } from 'node:timers/promises';

import { describe, expect, it, onTestFinished } from 'vitest';

import { startNatsServer } from '../../../cli/programs/nats-server.ts';
import { createMemoryBus } from '../../../common/bus/memory/index.ts';
import { openNatsBus } from '../../../common/bus/nats/index.ts';
import type { NatsBus } from '../../../common/bus/nats/index.ts';
import type { TaskMessage } from '../../../common/bus/ports.ts';
import { BivdiffError } from '../../../common/errors.ts';
import { queueOfStage } from '../../../common/placement.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { TaskId } from '../../../common/task.ts';
import { Rest } from '../../../workers/rest.ts';
import { runWorker } from '../../../workers/worker.ts';
import { messageOf } from '../../support/conformance/bus/bus-messages.ts';

describe('runWorker', () => {
  it('hands back tasks that it shall not have; runs the rest', async () => {
    const bus = createMemoryBus({ ackWaitMs: 10_000 });
    const end = new AbortController();
    const ran: TaskId[] = [];
    const { stage, numericsClass } = messageOf('mine').task;
    const queue = queueOfStage(stage, numericsClass);
    const publish = (message: TaskMessage): Promise<void> => bus.publish(queue, message);
    await publish({ ...messageOf('kept'), excludedWorkers: ['w'] });
    await publish({ ...messageOf('large'), memoryBytes: 9 });
    await publish({ ...messageOf('mine'), memoryBytes: 8 });
    const working = runWorker(
      {
        ...{ name: 'w', bus, store: createMemoryStore(), slots: 1, ackWaitMs: 10_000 },
        memoryBytes: 8,
        queues: [queue],
        runTask: (task, { onDevice }) =>
          onDevice(async () => {
            ran.push(task.id);
            end.abort();
            return { outputs: {}, busySeconds: 0 };
          }),
      },
      end.signal,
    );
    await working;
    expect(ran).toEqual([messageOf('mine').task.id]);
    // They still wait for somebody else.
    expect(await bus.depth(queue)).toBe(2);
    await bus.close();
  });

  it('takes nothing while it rests, and goes on by itself', async () => {
    const bus = createMemoryBus({ ackWaitMs: 10_000 });
    const end = new AbortController();
    const { stage, numericsClass } = messageOf('mine').task;
    const queue = queueOfStage(stage, numericsClass);
    const rest = new Rest();
    const over = Promise.withResolvers<undefined>();
    const ran: boolean[] = [];
    const working = runWorker(
      {
        ...{ name: 'w', bus, store: createMemoryStore(), slots: 2, takesAhead: true },
        ...{ ackWaitMs: 10_000, queues: [queue], rest },
        runTask: (_, { onDevice }) =>
          onDevice(async () => {
            ran.push(rest.isResting);
            if (ran.length === 2) end.abort();
            return { outputs: {}, busySeconds: 0 };
          }),
      },
      end.signal,
    );
    // It waits for a task already.
    await nextTurn();
    rest.begin(300, () => {
      over.resolve(undefined);
    });
    await bus.publish(queue, messageOf('mine'));
    await bus.publish(queue, messageOf('other'));
    await over.promise;
    expect(ran).toEqual([]);
    await working;
    expect(ran).toEqual([false, false]);
    await bus.close();
  });

  it('says that a task has failed when the server has let go of its message', async () => {
    const server = await startNatsServer();
    onTestFinished(() => server.close());
    const open = (name: string): Promise<NatsBus> =>
      openNatsBus({ servers: [server.url], name, ackWaitMs: 10_000 });
    const [coordinator, bus] = [await open('coordinator'), await open('w')];
    const end = new AbortController();
    const { stage, numericsClass } = messageOf('any').task;
    const queue = queueOfStage(stage, numericsClass);
    const events = coordinator.events(end.signal)[Symbol.asyncIterator]();
    const working = runWorker(
      {
        ...{ name: 'w', bus, store: createMemoryStore(), slots: 1, ackWaitMs: 10_000 },
        queues: [queue],
        runTask: async () => {
          throw new BivdiffError('internal', 'it broke');
        },
      },
      end.signal,
    );
    const failures = 100;
    await coordinator.publish(queue, messageOf('a'));
    for (let seen = 1; seen < failures; seen += 1) {
      expect((await events.next()).value).toMatchObject({ kind: 'failed' });
      // One that the server does not take would never fail again.
      await coordinator.publish(queue, messageOf('a'));
    }
    expect((await events.next()).value).toMatchObject({ kind: 'failed' });
    end.abort();
    await working;
    for (const one of [coordinator, bus]) await one.close();
  });
});
