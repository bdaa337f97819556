// Goal: what a worker reports while nats-server is away is not held up once it is back. Method: the real server is killed while a
// report waits for its answer, and started again.

import { connect } from '@nats-io/transport-node';
import { afterEach, expect, it } from 'vitest';

import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../../cli/programs/nats-server.ts';
import { openNatsBus } from '../../../../common/bus/nats/index.ts';
import { EVENT_SUBJECT } from '../../../../common/bus/nats/subjects.ts';
import { messageOf } from '../../../support/conformance/bus/bus-messages.ts';

let server: NatsServer;
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

it('a report whose answer was lost with the server is sent again at once', async () => {
  server = await startNatsServer();
  ends.push(() => server.close());
  const again = { maxReconnectAttempts: -1, reconnectTimeWait: 20 };
  const listener = await connect({ servers: server.url, ...again });
  ends.push(() => listener.close());
  const bus = await openNatsBus({ servers: [server.url], name: 'test', ackWaitMs: 4_000 });
  ends.push(() => bus.close());
  const heardMs: number[] = [];
  const first = Promise.withResolvers<undefined>();
  listener.subscribe(EVENT_SUBJECT, {
    callback: (_, msg) => {
      heardMs.push(performance.now());
      // The first answer never comes.
      if (heardMs.length === 1) first.resolve(undefined);
      else msg.respond();
    },
  });
  await listener.flush();
  const failure = { code: 'internal', message: 'x', retry: 'never', details: {} } as const;
  const facts = { taskId: messageOf('a').task.id, worker: 'w', attempt: 1 };
  const reported = bus.report({ kind: 'failed', ...facts, failure });
  await first.promise;
  await server.signal('SIGKILL');
  await server.start();
  await reported;
  expect(heardMs).toHaveLength(2);
  // An answer is waited for for five seconds, where nothing says that it is lost.
  expect(heardMs[1]! - heardMs[0]!).toBeLessThan(4_000);
});
