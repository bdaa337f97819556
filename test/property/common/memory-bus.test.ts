// Goal: the bus loses no message, whatever workers do. Method: workers that acknowledge, hand back, go on working or
// vanish at random, in virtual time; afterwards reliable ones, who must find everything that was not acknowledged.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createMemoryBus } from '../../../common/bus/memory/index.ts';
import type { Bus, Delivery } from '../../../common/bus/ports.ts';
import type { TaskId } from '../../../common/task.ts';
import { JOB, messageOf, pullNow } from '../../support/conformance/bus/bus-messages.ts';
import { taskIdOf } from '../../support/conformance/results.ts';
import { testSeed } from '../../support/conformance/seed.ts';
import { VirtualClock } from '../../support/conformance/virtual-clock.ts';

const ACK_WAIT_MS = 100;
const QUEUES = ['q0', 'q1'];

type Action =
  | { readonly kind: 'publish'; readonly queue: number }
  | { readonly kind: 'pull'; readonly first: number }
  | { readonly kind: 'wait for'; readonly first: number }
  | { readonly kind: 'ack' | 'working'; readonly which: number }
  | { readonly kind: 'nak'; readonly which: number; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('publish'), queue: fc.nat(1) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pull'), first: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait for'), first: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('ack', 'working'), which: fc.nat(30) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('nak'),
      which: fc.nat(30),
      delayMs: fc.constantFrom(0, 1, 50, 150),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel'), which: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.nat(150) }) },
);

interface Held {
  readonly delivery: Delivery;
  expiresAtMs: number;
  isOver: boolean;
}

/** The bus, and what a test knows of it from outside. */
class Farm {
  readonly clock = new VirtualClock();
  readonly bus: Bus = createMemoryBus({ ackWaitMs: ACK_WAIT_MS, clock: this.clock });
  /** Published, neither acknowledged nor cancelled. */
  readonly owed = new Map<TaskId, string>();
  readonly finished = new Set<TaskId>();
  readonly held: Held[] = [];
  #published = 0;
  #nowMs = 0;

  async act(step: Action): Promise<void> {
    switch (step.kind) {
      case 'publish':
        await this.#publish(QUEUES[step.queue]!);
        return;
      case 'pull':
        this.take(await pullNow(this.bus, orderFrom(step.first)));
        return;
      case 'wait for':
        // Comes back whenever something is there, maybe much later.
        void this.bus
          .pull(orderFrom(step.first), { worker: 'w', waitMs: 120 })
          .then((delivery) => this.take(delivery));
        return;
      case 'pass':
        await this.pass(step.ms);
        return;
      case 'cancel':
        await this.#cancel([...this.owed.keys()][step.which]);
        return;
      default:
        await this.#answer(step, this.held[step.which % Math.max(1, this.held.length)]);
    }
  }

  take(delivery: Delivery | undefined): void {
    if (delivery === undefined) return;
    const { id } = delivery.message.task;
    expect(this.finished.has(id), 'finished, yet delivered').toBe(false);
    const holders = this.held.filter(
      (held) =>
        held.delivery.message.task.id === id && !held.isOver && held.expiresAtMs > this.#nowMs,
    );
    expect(holders, 'two leases at once').toEqual([]);
    this.held.push({ delivery, expiresAtMs: this.#nowMs + ACK_WAIT_MS, isOver: false });
  }

  async pass(ms: number): Promise<void> {
    // A millisecond at a time, so that what is delivered in between is seen at its time.
    for (let i = 0; i < ms; i++) {
      this.#nowMs++;
      await this.clock.advance(1);
    }
  }

  async checkDepth(): Promise<void> {
    // What was cancelled while somebody has it may still count, until its lease ends.
    const depth = (await this.bus.depth('q0')) + (await this.bus.depth('q1'));
    expect(depth).toBeGreaterThanOrEqual(this.owed.size);
  }

  async #publish(queue: string): Promise<void> {
    const label = `task ${this.#published++}`;
    this.owed.set(taskIdOf(label), queue);
    await this.bus.publish(queue, messageOf(label));
  }

  async #cancel(id: TaskId | undefined): Promise<void> {
    if (id === undefined) return;
    this.owed.delete(id);
    await this.bus.cancel({ jobId: JOB, taskIds: [id] });
  }

  async #answer(
    step: Extract<Action, { readonly which: number }>,
    held: Held | undefined,
  ): Promise<void> {
    if (held === undefined) return;
    const { delivery } = held;
    const { id } = delivery.message.task;
    if (step.kind === 'ack') {
      await delivery.ack();
      this.owed.delete(id);
      this.finished.add(id);
      for (const other of this.held) if (other.delivery.message.task.id === id) other.isOver = true;
    } else if (step.kind === 'nak') {
      held.isOver = true;
      await delivery.nak(step.delayMs);
    } else if (!held.isOver) {
      const isKept = await delivery.working().then(
        () => true,
        () => false,
      );
      if (isKept) held.expiresAtMs = this.#nowMs + ACK_WAIT_MS;
    }
  }
}

function orderFrom(first: number): string[] {
  return first === 0 ? QUEUES : QUEUES.toReversed();
}

describe('memory bus', () => {
  it('loses no message, and delivers none that is finished', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 80 }), async (steps) => {
        const farm = new Farm();
        for (const step of steps) {
          await farm.act(step);
          await farm.checkDepth();
        }
        // From here on workers are reliable: they acknowledge whatever they get. Those that wait already may still get a
        // message each, until their wait of 120 ms is over, and hold it for an ack wait.
        await farm.pass(120 + 2 * ACK_WAIT_MS);
        for (;;) {
          const delivery = await pullNow(farm.bus, QUEUES);
          if (delivery === undefined) break;
          expect(farm.finished.has(delivery.message.task.id)).toBe(false);
          await delivery.ack();
          farm.owed.delete(delivery.message.task.id);
        }
        // What a waiting worker got meanwhile has lapsed by now, too.
        expect([...farm.owed.keys()]).toEqual([]);
        expect((await farm.bus.depth('q0')) + (await farm.bus.depth('q1'))).toBe(0);
        await farm.bus.close();
        expect(farm.clock.pending).toBe(0);
      }),
      { seed: testSeed(), numRuns: 100 },
    );
  });
});
