// The bus within one process behaves as every bus does, and leaves no timer behind.

import { expect, it } from 'vitest';

import { describeBusConformance } from '../../../support/conformance/bus/bus-conformance.ts';
import { createMemoryBusHarness } from '../../../support/conformance/bus/bus-harness.ts';
import { messageOf } from '../../../support/conformance/bus/bus-messages.ts';

describeBusConformance('memory bus', createMemoryBusHarness);

it('leaves no timer behind when it is closed', async () => {
  const { bus, clock } = await createMemoryBusHarness();
  for (const label of ['a', 'b', 'c']) await bus.publish('q', messageOf(label));
  await bus.pull(['q'], { worker: 'w', waitMs: 100 });
  const second = await bus.pull(['q'], { worker: 'w', waitMs: 100 });
  await second?.nak(1000);
  const waiting = bus.pull(['none'], { worker: 'w', waitMs: 100 });
  expect(clock.pending).toBe(3);
  await bus.close();
  expect(clock.pending).toBe(0);
  expect(await waiting).toBeUndefined();
});
