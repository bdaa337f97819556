// Goal: a worker hands back what is not for it, and leaves that queue to others for a moment. Method: the real loop, memory bus and
// memory store.

import { describe, expect, it } from 'vitest';

import { createMemoryBus } from '../../../common/bus/memory/index.ts';
import type { TaskMessage } from '../../../common/bus/ports.ts';
import { queueOfStage } from '../../../common/placement.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { TaskId } from '../../../common/task.ts';
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
});
