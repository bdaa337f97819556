// Goal: with the permissions that `bivdiff nats-config` gives, coordinator and workers lack nothing, and a worker has nothing of the
// coordinator's. Method: a real server with that configuration. Of the conformance suite's bus the coordinator's side runs as one
// user, the worker's side as another; then each tries what is the other's.

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { openNatsBus, DRAIN_SUBJECT, STREAM } from '../../../../common/bus/nats/index.ts';
import { inboxOf } from '../../../../common/bus/nats/permissions.ts';
import {
  ADDRESS_SUBJECT,
  CANCEL_SUBJECT,
  EVENT_SUBJECT,
  queueSubjects,
  REST_SUBJECT,
  taskSubject,
  VERSION_SUBJECT,
  WAKE_SUBJECT,
  WORKER_SUBJECT,
} from '../../../../common/bus/nats/subjects.ts';
import { makeCertificates } from '../../../support/network/certificates.ts';
import type { Certificates } from '../../../support/network/certificates.ts';
import { describeBusConformance } from '../../../support/conformance/bus/bus-conformance.ts';
import { createSplitBusHarness } from '../../../support/conformance/bus/bus-harness.ts';
import { messageOf } from '../../../support/conformance/bus/bus-messages.ts';
import { taskIdOf } from '../../../support/conformance/results.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { startSecuredNats } from '../../../support/network/secured-nats.ts';
import type { SecuredNats } from '../../../support/network/secured-nats.ts';

const PASSWORD = 'a-plain-password-0001';
const USERS = [
  { user: 'coordinator', role: 'coordinator', password: PASSWORD },
  { user: 'worker', role: 'worker', password: PASSWORD },
  { user: 'watcher', role: 'observer', password: PASSWORD },
] as const;
type User = (typeof USERS)[number]['user'];

let server: SecuredNats;
beforeAll(async () => {
  server = await startSecuredNats({ users: USERS });
});
afterAll(() => server.close());

describe('with least privileges', () => {
  describeBusConformance('NATS bus', () =>
    createSplitBusHarness({
      url: `nats://127.0.0.1:${server.port}`,
      coordinator: { user: 'coordinator', password: PASSWORD },
      worker: { user: 'worker', password: PASSWORD },
    }),
  );
  // After the suite: a server that had to refuse anything would have said so.
  it('refused nothing to coordinator or worker', () => {
    expect(server.log()).not.toMatch(/violation/i);
  });
});

describe('each user', () => {
  const opened: NatsConnection[] = [];
  const login = async (user: User): Promise<NatsConnection> => {
    const connection = await connect({
      ...{ servers: `127.0.0.1:${server.port}`, user, pass: PASSWORD },
      ...{ inboxPrefix: inboxOf(user), reconnect: false },
    });
    opened.push(connection);
    return connection;
  };
  afterEach(async () => {
    for (const connection of opened.splice(0)) await connection.close();
  });

  /** Whether the server lets a publish through. */
  const mayPublish = async (user: User, subject: string): Promise<boolean> => {
    const connection = await login(user);
    const refused = refusal(connection);
    connection.publish(subject, 'x');
    await connection.flush();
    return !(await refused());
  };
  const mayListen = async (user: User, subject: string): Promise<boolean> => {
    const connection = await login(user);
    const refused = refusal(connection);
    connection.subscribe(subject, { callback: () => undefined });
    await connection.flush();
    return !(await refused());
  };

  it.each([
    ['publish a task', taskSubject('q', taskIdOf('a'))],
    ['drain others', DRAIN_SUBJECT],
    ['have others rest', REST_SUBJECT],
    ['cancel', CANCEL_SUBJECT],
    ['wake others', WAKE_SUBJECT],
    ['delete the stream', `$JS.API.STREAM.DELETE.${STREAM}`],
    ['purge the stream', `$JS.API.STREAM.PURGE.${STREAM}`],
    ['read the stream', `$JS.API.STREAM.MSG.GET.${STREAM}`],
    ['make another stream', '$JS.API.STREAM.CREATE.OTHER'],
    ['make a consumer', `$JS.API.CONSUMER.CREATE.${STREAM}.mine`],
    ['delete a consumer', `$JS.API.CONSUMER.DELETE.${STREAM}.queue-q`],
    ['answer for others', `${inboxOf('coordinator')}.x`],
    ['use what is not ours', 'anything.else'],
  ])('that is a worker or an observer may not %s', async (_, subject) => {
    expect(await mayPublish('worker', subject)).toBe(false);
    expect(await mayPublish('watcher', subject)).toBe(false);
  });

  it('may publish what its program says', async () => {
    expect(await mayPublish('worker', EVENT_SUBJECT)).toBe(true);
    expect(await mayPublish('worker', WORKER_SUBJECT)).toBe(true);
    expect(await mayPublish('coordinator', DRAIN_SUBJECT)).toBe(true);
    expect(await mayPublish('coordinator', WORKER_SUBJECT)).toBe(false);
    expect(await mayPublish('worker', ADDRESS_SUBJECT)).toBe(true);
    expect(await mayPublish('worker', VERSION_SUBJECT)).toBe(false);
    expect(await mayPublish('coordinator', VERSION_SUBJECT)).toBe(true);
    // What the case above, that nothing was refused, looks for.
    expect(server.log()).toMatch(/violation/i);
  });

  it.each<[User, string, boolean]>([
    ['worker', DRAIN_SUBJECT, true],
    ['worker', REST_SUBJECT, true],
    ['worker', WORKER_SUBJECT, false],
    ['worker', `${inboxOf('coordinator')}.>`, false],
    ['worker', '_INBOX.>', false],
    ['worker', '>', false],
    ['worker', EVENT_SUBJECT, false],
    ['worker', queueSubjects('q'), false],
    ['watcher', EVENT_SUBJECT, true],
    ['watcher', queueSubjects('q'), false],
    ['watcher', `${inboxOf('worker')}.>`, false],
    ['coordinator', WORKER_SUBJECT, true],
    ['coordinator', `${inboxOf('worker')}.>`, false],
  ])('%s: listening to %s: %s', async (user, subject, isAllowed) => {
    expect(await mayListen(user, subject)).toBe(isAllowed);
  });

  it('a worker that asks JetStream to delete the stream does not get an answer, and the stream stays', async () => {
    const access = { servers: [`nats://127.0.0.1:${server.port}`], password: PASSWORD };
    const bus = await openNatsBus({
      ...{ ...access, user: 'coordinator', name: 'c', ackWaitMs: 1_000 },
    });
    await bus.publish('q', messageOf('a'));
    const manager = await jetstreamManager(await login('worker'), {
      checkAPI: false,
      timeout: 1_000,
    });
    await expect(manager.streams.delete(STREAM)).rejects.toThrow();
    expect(await bus.depth('q')).toBe(1);
    await bus.cancel({ jobId: 'j' as never, taskIds: [taskIdOf('a')] });
    await bus.close();
  });

  it('a stranger is not let in, and no error repeats the password', async () => {
    const servers = [`nats://127.0.0.1:${server.port}`];
    const wrong = { user: 'worker', password: 'a-wrong-password-0001' };
    for (const access of [wrong, {}]) {
      const opening = openNatsBus({ ...access, servers, name: 'x', ackWaitMs: 1_000 });
      const error = await failureOf(opening, 'unauthenticated');
      expect(JSON.stringify(error) + String(error.stack)).not.toContain(wrong.password);
    }
    expect(server.log()).not.toContain(wrong.password);
  });
});

describe('by TLS', () => {
  let certificates: Certificates;
  let secured: SecuredNats;
  beforeAll(async () => {
    certificates = await makeCertificates();
    const { server: own, ca } = certificates;
    secured = await startSecuredNats({ users: USERS, tls: { ...own, clientCa: ca } });
  });
  afterAll(async () => {
    await secured.close();
    await certificates.remove();
  });

  it('lets in who has a certificate of its authority, and nobody else', async () => {
    const { readFile } = await import('node:fs/promises');
    const text = (path: string): Promise<string> => readFile(path, 'utf8');
    const { ca, client, strangerCa, strangerClient } = certificates;
    const open = async (files: { ca: string; cert?: string; key?: string }) =>
      openNatsBus({
        ...{ servers: [`nats://127.0.0.1:${secured.port}`], name: 'c', ackWaitMs: 1_000 },
        ...{ user: 'coordinator', password: PASSWORD },
        tls: {
          ca: await text(files.ca),
          ...(files.cert === undefined ? {} : { cert: await text(files.cert) }),
          ...(files.key === undefined ? {} : { key: await text(files.key) }),
        },
      });
    const bus = await open({ ca, ...client });
    await bus.publish('q', messageOf('a'));
    expect(await bus.depth('q')).toBe(1);
    await bus.close();
    // Each is tried for seconds.
    const strangers = [{ ca: strangerCa, ...client }, { ca, ...strangerClient }, { ca }];
    await Promise.all(strangers.map((files) => failureOf(open(files), 'unavailable')));
  });
});

/** Whether the server has said, up to a flush, that it refuses what the connection did. */
function refusal(connection: NatsConnection): () => Promise<boolean> {
  let isRefused = false;
  void (async () => {
    for await (const { type } of connection.status()) if (type === 'error') isRefused = true;
  })();
  return async () => {
    await connection.flush();
    return isRefused;
  };
}
