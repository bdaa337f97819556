// Part of the bus's conformance suite: publishing, pulling, waiting.

import { expect, it } from 'vitest';

import type { BusHarness } from './bus-harness.ts';
import { isSettled, JOB, labelOf, messageOf, pullNow } from './bus-messages.ts';
import { taskIdOf } from '../results.ts';
import { failureOf } from '../store/use-store.ts';

const LABELS = ['a', 'b', 'c'];
/** A wait that no busy machine outlasts; what is waited for ends it. */
const PATIENT_MS = 5_000;

export function describeQueues(current: () => BusHarness): void {
  describeOrder(current);
  describeWaiting(current);

  it('refuses more messages than a queue may hold, and takes them again later', async () => {
    const { bus, queueDepthMax, settle } = current();
    for (let i = 0; i < queueDepthMax; i++) await bus.publish('q', messageOf(`task ${i}`));
    const error = await failureOf(bus.publish('q', messageOf('over')), 'resource-exhausted');
    expect(error.message).toContain('queue q');
    await expect.poll(() => bus.depth('q')).toBe(queueDepthMax);
    await bus.publish('other', messageOf('over'));
    await (await pullNow(bus))?.ack();
    await settle();
    await bus.publish('q', messageOf('over'));
  });

  it('leaves out a task that is on its way already, and takes it again once that has ended', async () => {
    const { bus, settle } = current();
    await bus.publish('q', messageOf('a'));
    await bus.publish('q', messageOf('a'));
    await expect.poll(() => bus.depth('q')).toBe(1);
    const delivery = await pullNow(bus);
    await bus.publish('q', messageOf('a'));
    expect(await pullNow(bus)).toBeUndefined();
    await delivery?.ack();
    await settle();
    await bus.publish('q', messageOf('a'));
    expect(labelOf(await pullNow(bus), LABELS)).toBe('a');
  });

  it('takes one copy of a task beside its message, and withdraws both', async () => {
    const { bus, settle } = current();
    const copy = { ...messageOf('a'), isCopy: true } as const;
    await bus.publish('q', messageOf('a'));
    const first = await pullNow(bus);
    await bus.publish('q', copy);
    await bus.publish('q', copy);
    await expect.poll(() => bus.depth('q')).toBe(2);
    const second = await pullNow(bus);
    expect(second?.message).toEqual(copy);
    await second?.ack();
    await settle();
    await expect.poll(() => bus.depth('q')).toBe(1);
    await bus.publish('q', copy);
    const third = await pullNow(bus);
    await bus.publish('q', messageOf('b'));
    await bus.cancel({ jobId: JOB, taskIds: [taskIdOf('a')] });
    await settle();
    expect([first, third].map((delivery) => delivery?.signal.aborted)).toEqual([true, true]);
    expect(labelOf(await pullNow(bus), LABELS)).toBe('b');
  });

  it('says which tasks are on their way', async () => {
    const { bus, settle } = current();
    await bus.publish('q', messageOf('a'));
    expect(await bus.holds('q', taskIdOf('a'))).toBe(true);
    expect(await bus.holds('q', taskIdOf('b'))).toBe(false);
    const delivery = await pullNow(bus);
    expect(await bus.holds('q', taskIdOf('a'))).toBe(true);
    await delivery?.ack();
    await settle();
    expect(await bus.holds('q', taskIdOf('a'))).toBe(false);
  });

  it('withdraws cancelled messages that no worker has', async () => {
    const { bus } = current();
    for (const label of LABELS) await bus.publish('q', messageOf(label));
    await bus.cancel({ jobId: JOB, taskIds: [taskIdOf('a'), taskIdOf('c'), taskIdOf('unknown')] });
    await expect.poll(() => bus.depth('q')).toBe(1);
    expect(labelOf(await pullNow(bus), LABELS)).toBe('b');
    expect(await pullNow(bus)).toBeUndefined();
  });

  it.each([
    ['beside others', ['kept']],
    ['that fill their queue', []],
  ])('withdraws hundreds of cancelled messages %s, and no others', async (_, others) => {
    const { bus } = current();
    const labels = Array.from({ length: 300 }, (__, n) => `task ${n}`);
    // Few a queue: some buses bound it.
    const queueOf = (n: number): string => `q${n % 100}.many`;
    await Promise.all(labels.map((label, n) => bus.publish(queueOf(n), messageOf(label))));
    for (const label of others) await bus.publish('q1.many', messageOf(label));
    await bus.publish('elsewhere', messageOf('kept too'));
    await bus.cancel({ jobId: JOB, taskIds: labels.map(taskIdOf) });
    await expect.poll(() => bus.depth('q0.many')).toBe(0);
    await expect.poll(() => bus.depth('q1.many')).toBe(others.length);
    await expect.poll(() => bus.depth('elsewhere')).toBe(1);
    await bus.publish('q1.many', messageOf('task 1'));
    await expect.poll(() => bus.depth('q1.many')).toBe(others.length + 1);
  });

  it('takes a task again that was cancelled before', async () => {
    const { bus } = current();
    await bus.publish('q', messageOf('a'));
    await bus.cancel({ jobId: JOB, taskIds: [taskIdOf('a')] });
    await bus.publish('q', messageOf('a'));
    const delivery = await pullNow(bus);
    expect(labelOf(delivery, LABELS)).toBe('a');
    expect(delivery?.signal.aborted).toBe(false);
  });

  it('ends every wait when it is closed', async () => {
    const { bus } = current();
    const pull = bus.pull(['q'], { worker: 'w', waitMs: 1e9 });
    const read = bus.events(new AbortController().signal)[Symbol.asyncIterator]().next();
    await bus.close();
    expect(await pull).toBeUndefined();
    expect((await read).done).toBe(true);
    expect(await bus.pull(['q'], { worker: 'w', waitMs: 1e9 })).toBeUndefined();
    await failureOf(bus.publish('q', messageOf('a')), 'unavailable');
  });
}

function describeOrder(current: () => BusHarness): void {
  it('delivers a message with its attempt and excluded workers, in order of publishing', async () => {
    const { bus } = current();
    const message = { ...messageOf('a'), attempt: 3, excludedWorkers: ['w7'] };
    await bus.publish('q', message);
    await bus.publish('q', messageOf('b'));
    expect((await pullNow(bus))?.message).toEqual(message);
    expect(labelOf(await pullNow(bus), LABELS)).toBe('b');
    expect(await pullNow(bus)).toBeUndefined();
  });

  it('takes from the first queue that has one', async () => {
    const { bus } = current();
    await bus.publish('late', messageOf('a'));
    await bus.publish('early', messageOf('b'));
    expect(labelOf(await pullNow(bus, ['none', 'early', 'late']), LABELS)).toBe('b');
    expect(await pullNow(bus, ['none'])).toBeUndefined();
    expect(labelOf(await pullNow(bus, ['early', 'late']), LABELS)).toBe('a');
  });

  it('counts what waits and what is leased, by queue', async () => {
    const { bus, settle } = current();
    for (const label of LABELS) await bus.publish('q', messageOf(label));
    await bus.publish('other', messageOf('d'));
    const delivery = await pullNow(bus);
    await expect.poll(() => bus.depth('q')).toBe(3);
    await delivery?.ack();
    await settle();
    await expect.poll(() => bus.depth('q')).toBe(2);
    await expect.poll(() => bus.depth('unheard-of')).toBe(0);
  });
}

function describeWaiting(current: () => BusHarness): void {
  it('waits for a message', async () => {
    const { bus } = current();
    const pull = bus.pull(['p', 'q'], { worker: 'w', waitMs: PATIENT_MS });
    expect(await isSettled(pull, current())).toBe(false);
    await bus.publish('q', messageOf('a'));
    expect(labelOf(await pull, LABELS)).toBe('a');
  });

  it('gives each message to one of those who wait, and only from their queues', async () => {
    const { bus } = current();
    const stop = new AbortController();
    const wait = { worker: 'w', waitMs: PATIENT_MS, signal: stop.signal };
    const pulls = ['q', 'q', 'other'].map((queue) => bus.pull([queue], wait));
    await bus.publish('q', messageOf('a'));
    await bus.publish('q', messageOf('b'));
    expect(labelOf(await pulls[0], LABELS) + labelOf(await pulls[1], LABELS)).toMatch(/ab|ba/);
    expect(await isSettled(pulls[2]!, current())).toBe(false);
    stop.abort();
    expect(await pulls[2]).toBeUndefined();
  });

  it('gives nothing once the wait is over', async () => {
    const { bus, advance } = current();
    const pull = bus.pull(['q'], { worker: 'w', waitMs: 500 });
    await advance(250);
    expect(await isSettled(pull, current())).toBe(false);
    await advance(250);
    expect(await pull).toBeUndefined();
    await bus.publish('q', messageOf('a'));
    expect(labelOf(await pullNow(bus), LABELS)).toBe('a');
  });

  it('gives nothing once the signal aborts', async () => {
    const { bus } = current();
    const stop = new AbortController();
    const pull = bus.pull(['q'], { worker: 'w', waitMs: 500, signal: stop.signal });
    stop.abort();
    expect(await pull).toBeUndefined();
    await bus.publish('q', messageOf('a'));
    const late = await bus.pull(['q'], { worker: 'w', waitMs: 500, signal: stop.signal });
    expect(late).toBeUndefined();
    expect(labelOf(await pullNow(bus), LABELS)).toBe('a');
  });
}
