// What the conformance suite needs of a bus under test: a fresh bus with short limits, and a way to let time pass.

import { setTimeout as delay } from 'node:timers/promises';

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

import type { NatsServer } from '../../../cli/cluster/nats-server.ts';
import { openNatsBus, STREAM } from '../../../common/bus/nats/index.ts';
import { createMemoryBus } from '../../../common/bus/memory/index.ts';
import type { Bus } from '../../../common/bus/ports.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface BusHarness {
  readonly bus: Bus;
  /** How long a lease lasts. */
  readonly ackWaitMs: number;
  readonly queueDepthMax: number;
  readonly eventsMax: number;
  /** Lets this much time pass for the bus. */
  advance(ms: number): Promise<void>;
  /** Lets what was begun arrive, where it has a way to go. */
  settle(): Promise<void>;
  dispose(): Promise<void>;
}

const LIMITS = { ackWaitMs: 1000, queueDepthMax: 20, eventsMax: 5 };

export async function createMemoryBusHarness(): Promise<BusHarness & { clock: VirtualClock }> {
  const clock = new VirtualClock();
  const bus = createMemoryBus({ ...LIMITS, clock });
  return {
    bus,
    clock,
    ...LIMITS,
    advance: (ms) => clock.advance(ms),
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    dispose: () => bus.close(),
  };
}

/** A bus on a real server, in real time: what was advanced has passed by a little more. */
export async function createNatsBusHarness(server: NatsServer): Promise<BusHarness> {
  const bus = await openNatsBus({ servers: [server.url], name: 'conformance', ...LIMITS });
  return {
    bus,
    ...LIMITS,
    advance: (ms) => delay(ms + 50),
    settle: () => delay(100),
    dispose: async () => {
      await bus.close();
      await deleteStream(server);
    },
  };
}

async function deleteStream(server: NatsServer): Promise<void> {
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.delete(STREAM).catch(() => false);
  await connection.close();
}
