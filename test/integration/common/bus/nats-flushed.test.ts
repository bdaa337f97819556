// Goal: what waits for the server when the connection is closed ends then, at whatever moment that is, and with an error of ours if any.

import { setImmediate as nextTurn } from 'node:timers/promises';

import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../../cli/programs/nats-server.ts';
import { flushed } from '../../../../common/bus/nats/flushed.ts';
import { openNatsBus } from '../../../../common/bus/nats/index.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { JobId } from '../../../../common/task.ts';
import { taskIdOf } from '../../../support/conformance/results.ts';

const LIMIT_MS = 10_000;

let server: NatsServer;
beforeAll(async () => {
  server = await startNatsServer();
});
afterAll(() => server.close());

it(
  'ends when the connection is closed meanwhile, and after it',
  { timeout: LIMIT_MS },
  async () => {
    const connection = await connect({ servers: server.url });
    await flushed(connection);
    const waiting = flushed(connection);
    await connection.close();
    await waiting;
    await flushed(connection);
    expect(connection.isClosed()).toBe(true);
  },
);

it('a cancel that is under way ends, whenever the bus is closed', { timeout: 60_000 }, async () => {
  for (let turns = 0; turns < 60; turns += 1) {
    const bus = await openNatsBus({ servers: [server.url], name: 'test', ackWaitMs: 1_000 });
    const cancelled = bus
      .cancel({ jobId: 'a'.repeat(64) as JobId, taskIds: [taskIdOf('a')] })
      .catch((reason: unknown) => {
        expect(reason).toBeInstanceOf(BivdiffError);
        expect((reason as BivdiffError).code).toBe('unavailable');
      });
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    await bus.close();
    await cancelled;
  }
});
