// What every bus adapter must do. Goal: whoever programs against the port sees no difference between adapters. Method:
// each case uses a fresh bus and the port alone; time passes only where the case says so.

import { afterEach, beforeEach, describe } from 'vitest';

import { describeEvents } from './bus-events.ts';
import type { BusHarness } from './bus-harness.ts';
import { describeLeases } from './bus-leases.ts';
import { describeQueues } from './bus-queues.ts';

export function describeBusConformance(name: string, makeBus: () => Promise<BusHarness>): void {
  let harness: BusHarness | undefined;
  const current = (): BusHarness => {
    if (harness === undefined) throw new Error('no bus yet: use it inside a test');
    return harness;
  };
  describe(name, () => {
    beforeEach(async () => {
      harness = await makeBus();
    });
    afterEach(async () => {
      await harness?.dispose();
    });
    describe('queues', () => {
      describeQueues(current);
    });
    describe('leases', () => {
      describeLeases(current);
    });
    describe('events', () => {
      describeEvents(current);
    });
  });
}
