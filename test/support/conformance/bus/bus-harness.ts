// What the conformance suite needs of a bus under test: a fresh bus with short limits, and a way to let time pass.

import { setTimeout as delay } from 'node:timers/promises';

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

import { flushed } from '../../../../common/bus/nats/flushed.ts';
import type { NatsServer } from '../../../../cli/programs/nats-server.ts';
import { openNatsBus, STREAM } from '../../../../common/bus/nats/index.ts';
import type { NatsAccess } from '../../../../common/bus/nats/index.ts';
import { inboxOf } from '../../../../common/bus/nats/permissions.ts';
import { createMemoryBus } from '../../../../common/bus/memory/index.ts';
import type { Bus } from '../../../../common/bus/ports.ts';
import { VirtualClock } from '../virtual-clock.ts';

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
    // Shorter than the quarter of a delay that the suite leaves beside what it advances.
    settle: () => delay(50),
    dispose: async () => {
      await bus.close();
      await deleteStream(server);
    },
  };
}

/**
 * One bus of two users: what a coordinator does goes by its connection, what a worker does by its own.
 */
export async function createSplitBusHarness(options: {
  readonly url: string;
  readonly coordinator: NatsAccess;
  readonly worker: NatsAccess;
}): Promise<BusHarness> {
  const shared = { servers: [options.url], ...LIMITS };
  const coordinator = await openNatsBus({ ...shared, ...options.coordinator, name: 'coordinator' });
  const worker = await openNatsBus({ ...shared, ...options.worker, name: 'worker' });
  const close = async (): Promise<void> => {
    await worker.close();
    await coordinator.close();
  };
  const bus: Bus = {
    publish: (queue, message) => coordinator.publish(queue, message),
    depth: (queue) => coordinator.depth(queue),
    holds: (queue, taskId) => coordinator.holds(queue, taskId),
    events: (signal) => coordinator.events(signal),
    cancel: (message) => coordinator.cancel(message),
    pull: (queues, how) => worker.pull(queues, how),
    report: async (event) => {
      // By two connections: what was begun before arrives before, and what is begun afterwards after.
      await flushed(coordinator.connection);
      await worker.report(event);
      await flushed(worker.connection);
    },
    close,
  };
  return {
    bus,
    ...LIMITS,
    advance: (ms) => delay(ms + 50),
    // Shorter than the quarter of a delay that the suite leaves beside what it advances.
    settle: () => delay(50),
    dispose: async () => {
      await close();
      await deleteStream({ url: options.url }, options.coordinator);
    },
  };
}

async function deleteStream(
  server: Pick<NatsServer, 'url'>,
  { user, password }: NatsAccess = {},
): Promise<void> {
  const connection = await connect({
    servers: server.url,
    ...(user === undefined ? {} : { user, inboxPrefix: inboxOf(user) }),
    ...(password === undefined ? {} : { pass: password }),
  });
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.streams.delete(STREAM).catch(() => false);
  await connection.close();
}
