// Goal: a lost stream is made anew with all that its messages need. Method: the real server; the stream is deleted under a bus that knows its
// queues, and several queues are published to at once; then by somebody else, who makes the stream but not the queue.

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../../cli/programs/nats-server.ts';
import { openNatsBus, STREAM } from '../../../../common/bus/nats/index.ts';
import type { NatsBus } from '../../../../common/bus/nats/index.ts';
import { messageOf } from '../../../support/conformance/bus/bus-messages.ts';

const QUEUES = ['idm.generate', 'idm.encode', 'vdm.smooth', 'mixer.mix'];

let server: NatsServer;
let connection: NatsConnection;
let bus: NatsBus;
beforeAll(async () => {
  server = await startNatsServer();
  connection = await connect({ servers: server.url });
  bus = await openNatsBus({ servers: [server.url], name: 'test', ackWaitMs: 6_000 });
});
afterAll(async () => {
  await bus.close();
  await connection.close();
  await server.close();
});

it('every queue has its consumer again, however many are published to at once', async () => {
  const manager = await jetstreamManager(connection);
  for (const queue of QUEUES) await bus.publish(queue, messageOf(`first of ${queue}`));
  for (let round = 0; round < 10; round += 1) {
    await manager.streams.delete(STREAM);
    await Promise.all(QUEUES.map((queue) => bus.publish(queue, messageOf(`${round} of ${queue}`))));
    for (const queue of QUEUES) {
      const delivery = await bus.pull([queue], { worker: 'w', waitMs: 1_000 });
      expect(delivery?.message.task.id).toBe(messageOf(`${round} of ${queue}`).task.id);
      await delivery?.ack();
    }
  }
});
