import { afterAll, beforeAll, describe } from 'vitest';

import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../../cli/programs/nats-server.ts';
import { describeBusConformance } from '../../../support/conformance/bus/bus-conformance.ts';
import { createNatsBusHarness } from '../../../support/conformance/bus/bus-harness.ts';

describe('on a real server', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.close());

  describeBusConformance('NATS bus', () => createNatsBusHarness(server));
});
