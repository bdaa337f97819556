// Part of the bus's conformance suite: leases, redelivery, cancelling what runs.

import { expect, it } from 'vitest';

import type { Delivery } from '../../../../common/bus/ports.ts';
import type { BusHarness } from './bus-harness.ts';
import { JOB, labelOf, messageOf, pullNow } from './bus-messages.ts';
import { taskIdOf } from '../results.ts';
import { failureOf } from '../store/use-store.ts';

const LABELS = ['a', 'b'];

export function describeLeases(current: () => BusHarness): void {
  describeRedelivery(current);
  describeEnds(current);
  describeCancel(current);
}

async function lease({ bus }: BusHarness, label: string): Promise<Delivery> {
  await bus.publish('q', messageOf(label));
  const delivery = await pullNow(bus);
  if (delivery === undefined) throw new Error('published, yet not delivered');
  return delivery;
}

function describeRedelivery(current: () => BusHarness): void {
  it('delivers again when a lease lapses, before what was published later', async () => {
    const { bus, ackWaitMs, advance } = current();
    await lease(current(), 'a');
    await bus.publish('q', messageOf('b'));
    await advance(ackWaitMs / 2);
    expect(labelOf(await pullNow(bus), LABELS)).toBe('b');
    await advance(ackWaitMs / 2);
    expect(labelOf(await pullNow(bus, ['q'], 'another'), LABELS)).toBe('a');
  });

  it('hands a lapsed message to a worker that waits', async () => {
    const { bus, ackWaitMs, advance } = current();
    await lease(current(), 'a');
    const pull = bus.pull(['q'], { worker: 'another', waitMs: 10 * ackWaitMs });
    await advance(ackWaitMs);
    expect(labelOf(await pull, LABELS)).toBe('a');
  });

  it('keeps the lease of a worker that says it is working', async () => {
    const { bus, ackWaitMs, advance } = current();
    const delivery = await lease(current(), 'a');
    for (let i = 0; i < 10; i++) {
      await advance(ackWaitMs / 3);
      await delivery.working();
    }
    expect(await pullNow(bus)).toBeUndefined();
    await advance(ackWaitMs);
    expect(labelOf(await pullNow(bus), LABELS)).toBe('a');
  });

  it('delivers again after the delay when it is handed back', async () => {
    const { bus, advance } = current();
    await (await lease(current(), 'a')).nak(600);
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(1);
    await advance(150);
    expect(await pullNow(bus)).toBeUndefined();
    await advance(450);
    expect(labelOf(await pullNow(bus), LABELS)).toBe('a');
  });

  it('delivers at once what is handed back without delay', async () => {
    const { bus, settle } = current();
    const delivery = await lease(current(), 'a');
    await bus.publish('q', messageOf('b'));
    await delivery.nak(0);
    await settle();
    const again = [labelOf(await pullNow(bus), LABELS), labelOf(await pullNow(bus), LABELS)];
    expect(again.sort()).toEqual(LABELS);
  });
}

function describeEnds(current: () => BusHarness): void {
  it('never delivers again what is acknowledged', async () => {
    const { bus, ackWaitMs, advance } = current();
    await (await lease(current(), 'a')).ack();
    await advance(3 * ackWaitMs);
    expect(await pullNow(bus)).toBeUndefined();
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(0);
  });

  it('takes a message of the same task as soon as an end is confirmed', async () => {
    const { bus } = current();
    for (let round = 0; round < 60; round += 1) {
      await (await lease(current(), 'a')).ackConfirmed();
      await (await lease(current(), 'a')).ackConfirmed();
    }
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(0);
  });

  it('takes an acknowledgement even after the lease has lapsed', async () => {
    const { bus, ackWaitMs, advance, settle } = current();
    const delivery = await lease(current(), 'a');
    await advance(ackWaitMs);
    await delivery.ack();
    await settle();
    expect(await pullNow(bus)).toBeUndefined();
  });

  it('does not let one whose lease has lapsed hand back what another has', async () => {
    const { bus, ackWaitMs, advance } = current();
    const late = await lease(current(), 'a');
    await advance(ackWaitMs);
    const held = await pullNow(bus, ['q'], 'another');
    await late.nak(0);
    await failureOf(late.working(), 'aborted');
    expect(await pullNow(bus)).toBeUndefined();
    await held?.ack();
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(0);
  });

  it('ignores what comes after the end', async () => {
    const { bus, ackWaitMs, advance } = current();
    const delivery = await lease(current(), 'a');
    await delivery.ack();
    await delivery.ack();
    await delivery.nak(0);
    await advance(ackWaitMs);
    expect(await pullNow(bus)).toBeUndefined();
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(0);
  });
}

function describeCancel(current: () => BusHarness): void {
  it('aborts the signals of the cancelled tasks that run, and of no others', async () => {
    const { bus, settle } = current();
    const [a, b] = [await lease(current(), 'a'), await lease(current(), 'b')];
    await bus.cancel({ jobId: JOB, taskIds: [taskIdOf('a')] });
    await settle();
    expect(a.signal.aborted).toBe(true);
    expect(a.signal.reason).toMatchObject({ code: 'cancelled' });
    expect(b.signal.aborted).toBe(false);
    // Whether what is cancelled and still leased counts is the adapter's affair.
    await a.ack();
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(1);
  });

  it.each([
    ['is handed back', (delivery: Delivery) => delivery.nak(0)],
    ['is handed back with a delay', (delivery: Delivery) => delivery.nak(10)],
    ['is left to lapse', async () => undefined],
  ])('does not deliver a cancelled task again that %s', async (_, end) => {
    const { bus, ackWaitMs, advance, settle } = current();
    const delivery = await lease(current(), 'a');
    await bus.cancel({ jobId: JOB, taskIds: [taskIdOf('a')] });
    await settle();
    await end(delivery);
    await advance(ackWaitMs);
    expect(await pullNow(bus)).toBeUndefined();
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(0);
  });

  it('withdraws a cancelled task that waits for its delay', async () => {
    const { bus, advance } = current();
    await (await lease(current(), 'a')).nak(300);
    await bus.cancel({ jobId: JOB, taskIds: [taskIdOf('a')] });
    await current().settle();
    await expect.poll(() => bus.depth('q')).toBe(0);
    await advance(300);
    expect(await pullNow(bus)).toBeUndefined();
  });
}
