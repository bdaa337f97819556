// What the conformance suite needs of a bus under test: a fresh bus with short limits, and a way to let time pass.

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
    dispose: () => bus.close(),
  };
}
