// Goal: programs of protocol 1, which read JSON and nothing else, are told of those of this protocol, and are sent nothing that they cannot
// read. Method: a real server; what protocol 1 listens to and says, word by word; a farm of ours that does all that a farm does.

import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../../cli/programs/nats-server.ts';
import { CoordinatorTalk, openNatsBus, WorkerTalk } from '../../../../common/bus/nats/index.ts';
import type { NatsBus } from '../../../../common/bus/nats/index.ts';
import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { WorkerRegistry } from '../../../../coordinator/dispatch/worker-registry.ts';
import { systemClock } from '../../../../coordinator/ports.ts';
import { classesNamed } from '../../../support/jobs.ts';
import { JOB, messageOf } from '../../../support/conformance/bus/bus-messages.ts';
import { taskIdOf } from '../../../support/conformance/results.ts';

/** What programs of protocol 1 listened to. */
const OLD_SUBJECTS = ['event', 'progress', 'cancel', 'wake', 'worker', 'drain', 'task.>'];
const OLD_BEAT =
  '{"protocol":1,"name":"old","pools":["idm"],"slots":1,"pid":7,"host":"h","numericsClass":"test","memoryBytes":8,"running":[],"loaded":{},"draining":false,"committed":0,"address":"127.0.0.1:1","gathered":{"hits":0,"misses":0,"fallbacks":0},"leaving":false}';

let server: NatsServer;
let stranger: NatsConnection;
let coordinator: NatsBus;
let worker: NatsBus;
beforeEach(async () => {
  server = await startNatsServer();
  stranger = await connect({ servers: server.url });
  const options = { servers: [server.url], ackWaitMs: 4_000 };
  coordinator = await openNatsBus({ ...options, name: 'coordinator' });
  worker = await openNatsBus({ ...options, name: 'w' });
});
afterEach(async () => {
  await worker.close();
  await coordinator.close();
  await stranger.close();
  await server.close();
});

function statusOf(name: string): WorkerStatus {
  const numerics = classesNamed('test');
  const beat = JSON.parse(OLD_BEAT) as WorkerStatus;
  return { ...beat, numerics, name, protocol: PROTOCOL_VERSION };
}

it('a worker of protocol 1 is seen, gets no tasks, and one of a later protocol is told so', async () => {
  const others: string[] = [];
  const talk = new CoordinatorTalk(coordinator);
  const registry = new WorkerRegistry(systemClock, {
    onOtherProtocol: ({ name }) => {
      others.push(name);
      talk.tellVersion(name);
    },
  });
  talk.onBeat((status) => {
    registry.note(status);
  });
  const told = Promise.withResolvers<string>();
  stranger.subscribe('bivdiff.version', {
    max: 1,
    callback: (_, msg) => {
      told.resolve(msg.string());
    },
  });
  await coordinator.connection.flush();
  await stranger.flush();
  stranger.publish('bivdiff.worker', OLD_BEAT);
  stranger.publish('bivdiff.worker', OLD_BEAT);
  expect(JSON.parse(await told.promise)).toEqual({ worker: 'old', protocol: PROTOCOL_VERSION });
  expect(others).toEqual(['old']);
  expect(registry.alive.map(({ name, protocol }) => [name, protocol])).toEqual([['old', 1]]);
  expect(registry.slotsOf('idm')).toBe(0);
});

it('of all that a farm says, programs of protocol 1 hear beats and drains, which they can read', async () => {
  const heard = new Map<string, string[]>();
  for (const name of OLD_SUBJECTS) {
    stranger.subscribe(`bivdiff.${name}`, {
      callback: (_, { subject, data }) => {
        const text = Buffer.from(data).toString();
        heard.set(subject, [...(heard.get(subject) ?? []), text]);
      },
    });
  }
  await stranger.flush();
  const events = coordinator.events(new AbortController().signal)[Symbol.asyncIterator]();
  await coordinator.publish('q', messageOf('a'));
  const delivery = await worker.pull(['q'], { worker: 'w', waitMs: 1_000 });
  const facts = { taskId: taskIdOf('a'), worker: 'w' };
  await worker.report({ kind: 'progress', ...facts, step: 1, steps: 2 });
  const failure = { code: 'internal', message: 'x', retry: 'never', details: {} } as const;
  await worker.report({ kind: 'failed', ...facts, attempt: 1, failure });
  await events.next();
  await delivery?.ackConfirmed();
  await coordinator.cancel({ jobId: JOB, taskIds: [taskIdOf('a')] });
  const talk = new WorkerTalk(worker, 'w');
  talk.beat(statusOf('w'));
  await talk.addressOf('other');
  new CoordinatorTalk(coordinator).drain('w');
  await worker.connection.flush();
  await coordinator.connection.flush();
  await stranger.flush();
  expect([...heard.keys()].sort()).toEqual(['bivdiff.drain', 'bivdiff.worker']);
  expect(heard.get('bivdiff.drain')).toEqual(['w']);
  expect(heard.get('bivdiff.worker')!.map((text) => JSON.parse(text) as object)).toEqual([
    statusOf('w'),
  ]);
});
