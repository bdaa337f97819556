// Goal: what fits no schema costs nobody anything. Method: a real server; a stranger publishes rubbish to every subject of a farm, also
// what looks right at first; the programs' buses hear the next message at once, and say what they have dropped.

import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../../cli/programs/nats-server.ts';
import { digestText } from '../../../../common/digest.ts';
import { CoordinatorTalk, openNatsBus, WorkerTalk } from '../../../../common/bus/nats/index.ts';
import type { MalformedMessages, NatsBus } from '../../../../common/bus/nats/index.ts';
import * as subjects from '../../../../common/bus/nats/subjects.ts';
import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { classesNamed } from '../../../support/jobs.ts';
import { JOB, messageOf } from '../../../support/conformance/bus/bus-messages.ts';
import { taskIdOf } from '../../../support/conformance/results.ts';

/** The client connects anew after 250 ms and more, and then waits for what it has missed. */
const SOON_MS = 200;
const RUBBISH = ['', '{', '[{}]', '{"kind":"started"}', 'null', '\u0000', '\n\u0002\n\u0000'];
const STATUS: WorkerStatus = {
  ...{ protocol: PROTOCOL_VERSION, name: 'w', pools: ['idm'], slots: 1, pid: 1, host: 'h' },
  ...{ numerics: classesNamed('test'), memoryBytes: 1, running: [], draining: false, committed: 0 },
  ...{ gathered: { hits: 0, misses: 0, fallbacks: 0 }, leaving: false },
};

let server: NatsServer;
let stranger: NatsConnection;
beforeAll(async () => {
  server = await startNatsServer();
  stranger = await connect({ servers: server.url });
});
afterAll(async () => {
  await stranger.close();
  await server.close();
});

let coordinator: NatsBus;
let worker: NatsBus;
let told: MalformedMessages[] = [];
const opened: NatsBus[] = [];

async function open(): Promise<NatsBus> {
  const onMalformed = (messages: MalformedMessages): void => void told.push(messages);
  const options = { servers: [server.url], name: 'test', ackWaitMs: 4_000, onMalformed };
  const bus = await openNatsBus(options);
  opened.push(bus);
  return bus;
}

async function openBoth(): Promise<void> {
  told = [];
  coordinator = await open();
  worker = await open();
}

afterEach(async () => {
  for (const bus of opened.splice(0)) await bus.close();
});

async function publishRubbish(subject: string): Promise<void> {
  for (const text of RUBBISH) stranger.publish(subject, text);
  await stranger.flush();
}

function soon<T>(promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`not within ${SOON_MS} ms`));
  }, SOON_MS);
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}

describe('after rubbish', () => {
  it('events are heard', async () => {
    await openBoth();
    const events = coordinator.events(new AbortController().signal)[Symbol.asyncIterator]();
    await coordinator.connection.flush();
    await publishRubbish(subjects.EVENT_SUBJECT);
    await publishRubbish(subjects.PROGRESS_SUBJECT);
    const failure = { code: 'internal', message: 'x', retry: 'never', details: {} } as const;
    const event: WorkerEvent = {
      ...{ kind: 'failed', taskId: taskIdOf('a'), worker: 'w', attempt: 1, failure },
    };
    await soon(worker.report(event));
    expect((await soon(events.next())).value).toEqual(event);
    expect(told).toMatchObject([{ kind: 'event', count: 1 }]);
  });

  it('a list of events that is rubbish is answered, so that it does not come again', async () => {
    await openBoth();
    coordinator.events(new AbortController().signal);
    await coordinator.connection.flush();
    await soon(stranger.request(subjects.EVENT_SUBJECT, '{', { timeout: 1_000 }));
  });

  it('cancels are heard', async () => {
    await openBoth();
    await coordinator.publish('q', messageOf('a'));
    const delivery = await worker.pull(['q'], { worker: 'w', waitMs: 1_000 });
    await publishRubbish(subjects.CANCEL_SUBJECT);
    const aborted = new Promise((resolve) => {
      delivery!.signal.addEventListener('abort', resolve);
    });
    void coordinator.cancel({ jobId: JOB, taskIds: [taskIdOf('a')] });
    await soon(aborted);
  });

  it('held results are dropped', async () => {
    await openBoth();
    const digest = digestText('held');
    const dropped = new Promise((resolve) => {
      new WorkerTalk(worker, 'w one').onDropHeld((digests) => {
        // Rubbish may be a list of none.
        if (digests.length > 0) resolve(digests);
      });
    });
    await worker.connection.flush();
    await publishRubbish(subjects.dropSubject('w one'));
    const talk = new CoordinatorTalk(coordinator);
    talk.dropHeld('w two', [digestText('of another')]);
    talk.dropHeld('w one', [digest]);
    expect(await soon(dropped)).toEqual([digest]);
  });

  it('a new queue is heard of', async () => {
    await openBoth();
    await publishRubbish(subjects.WAKE_SUBJECT);
    const pulled = worker.pull(['made-later'], { worker: 'w', waitMs: 5_000 });
    await worker.connection.flush();
    await coordinator.publish('made-later', messageOf('b'));
    const delivery = await soon(pulled);
    expect(delivery?.message).toEqual(messageOf('b'));
    await delivery?.ackConfirmed();
  });

  it('beats, drains, questions and notices of versions are heard', async () => {
    await openBoth();
    const [coordinating, working] = [new CoordinatorTalk(coordinator), new WorkerTalk(worker, 'w')];
    const beat = Promise.withResolvers<WorkerStatus>();
    const drain = Promise.withResolvers<undefined>();
    const rest = Promise.withResolvers<undefined>();
    const version = Promise.withResolvers<number>();
    coordinating.onBeat(beat.resolve);
    coordinating.answerAddresses(() => ({ address: 'here:1', host: 'h' }));
    coordinating.answerLoading(() => 7);
    working.onDrain(() => {
      drain.resolve(undefined);
    });
    working.onRest(() => {
      rest.resolve(undefined);
    });
    working.onOtherVersion(version.resolve);
    await coordinator.connection.flush();
    await worker.connection.flush();
    const { ADDRESS_SUBJECT, DRAIN_SUBJECT, LOADING_SUBJECT, REST_SUBJECT, ...others } = subjects;
    const { VERSION_SUBJECT, WORKER_SUBJECT } = others;
    for (const subject of [ADDRESS_SUBJECT, DRAIN_SUBJECT, LOADING_SUBJECT, REST_SUBJECT]) {
      await publishRubbish(subject);
    }
    for (const subject of [VERSION_SUBJECT, WORKER_SUBJECT]) await publishRubbish(subject);
    working.beat(STATUS);
    expect(await soon(beat.promise)).toEqual(STATUS);
    coordinating.drain('w');
    await soon(drain.promise);
    coordinating.rest('w');
    await soon(rest.promise);
    const notice = { worker: 'w', protocol: PROTOCOL_VERSION + 1 };
    stranger.publish(VERSION_SUBJECT, JSON.stringify(notice));
    expect(await soon(version.promise)).toBe(PROTOCOL_VERSION + 1);
    expect(await soon(working.addressOf('other'))).toEqual({ address: 'here:1', host: 'h' });
    const task = { stage: 'generate', numericsClass: 'test', memoryBytes: 0 } as const;
    const question = { ...task, worker: 'w', excludedWorkers: [], models: [], loaded: [] };
    expect(await soon(working.loadingCost(question))).toBe(7);
  });
});

describe('a task whose message is rubbish', () => {
  it('does not come again, and has failed at the worker that got it', async () => {
    await openBoth();
    const events = coordinator.events(new AbortController().signal)[Symbol.asyncIterator]();
    await coordinator.publish('q', messageOf('first'));
    await (await worker.pull(['q'], { worker: 'w', waitMs: 1_000 }))?.ackConfirmed();
    const taskId = taskIdOf('bad');
    stranger.publish(subjects.taskSubject('q', taskId), '{"task":');
    await stranger.flush();
    expect(await soon(worker.pull(['q'], { worker: 'w', waitMs: 1_000 }))).toBeUndefined();
    expect((await soon(events.next())).value).toMatchObject({
      ...{ kind: 'failed', taskId, worker: 'w' },
      failure: { retry: 'other-worker' },
    });
    expect(await coordinator.holds('q', taskId)).toBe(false);
    await coordinator.publish('q', messageOf('next'));
    const next = await soon(worker.pull(['q'], { worker: 'w', waitMs: 1_000 }));
    expect(next?.message).toEqual(messageOf('next'));
    await next?.ackConfirmed();
  });
});

it('what is dropped is counted, and told of once in a while', async () => {
  await openBoth();
  new CoordinatorTalk(coordinator).onBeat(() => undefined);
  await coordinator.connection.flush();
  for (let i = 0; i < 100; i += 1) await publishRubbish(subjects.WORKER_SUBJECT);
  await coordinator.connection.flush();
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ kind: 'beat', count: 1 });
  expect(told[0]!.why).not.toBe('');
});
