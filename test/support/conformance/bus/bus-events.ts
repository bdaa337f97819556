// Part of the bus's conformance suite: what workers tell the coordinator.

import { expect, it } from 'vitest';

import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import type { BusHarness } from './bus-harness.ts';
import { isSettled } from './bus-messages.ts';
import { taskIdOf } from '../results.ts';

function started(attempt: number): WorkerEvent {
  return {
    kind: 'started',
    taskId: taskIdOf('a'),
    worker: 'w',
    attempt,
    slot: 0,
    stage: 'generate',
  };
}

/** What ends a task waits for room; beginnings and steps need not. */
function ended(attempt: number): WorkerEvent {
  const failure = { code: 'internal', message: 'no', retry: 'never', details: {} } as const;
  return { kind: 'failed', taskId: taskIdOf('a'), worker: 'w', attempt, failure };
}

function progress(step: number): WorkerEvent {
  return { kind: 'progress', taskId: taskIdOf('a'), worker: 'w', step, steps: 50 };
}

export function describeEvents(current: () => BusHarness): void {
  describeListening(current);
  describeBound(current);
}

function describeListening(current: () => BusHarness): void {
  it('gives every event from the call on, in order, to everyone who listens', async () => {
    const { bus } = current();
    await bus.report(started(0));
    const { signal } = new AbortController();
    const listeners = [bus.events(signal), bus.events(signal)];
    const events = [started(1), progress(7), started(2)];
    for (const event of events) await bus.report(event);
    for (const listener of listeners) {
      const seen: WorkerEvent[] = [];
      for await (const event of listener) {
        seen.push(event);
        if (seen.length === events.length) break;
      }
      expect(seen).toEqual(events);
    }
  });

  it('wakes a listener that waits', async () => {
    const { bus } = current();
    const iterator = bus.events(new AbortController().signal)[Symbol.asyncIterator]();
    const [first, second] = [iterator.next(), iterator.next()];
    expect(await isSettled(first, current())).toBe(false);
    await bus.report(started(1));
    await bus.report(started(2));
    expect((await first).value).toEqual(started(1));
    expect((await second).value).toEqual(started(2));
  });

  it('ends the iteration without an error when the signal aborts', async () => {
    const { bus } = current();
    const stop = new AbortController();
    const events = bus.events(stop.signal);
    const seen: WorkerEvent[] = [];
    const reading = (async () => {
      for await (const event of events) seen.push(event);
    })();
    await bus.report(started(1));
    expect(await isSettled(reading, current())).toBe(false);
    stop.abort();
    await reading;
    expect(seen).toEqual([started(1)]);
    for await (const event of bus.events(stop.signal)) seen.push(event);
    expect(seen).toHaveLength(1);
  });
}

function describeBound(current: () => BusHarness): void {
  it('lets who reports wait when the listener does not keep up, and loses nothing', async () => {
    const { bus, eventsMax } = current();
    const iterator = bus.events(new AbortController().signal)[Symbol.asyncIterator]();
    const reports = Array.from({ length: eventsMax + 3 }, (_, i) => bus.report(ended(i)));
    expect(await isSettled(reports[0]!, current())).toBe(true);
    expect(await isSettled(reports[eventsMax]!, current())).toBe(false);
    for (const i of reports.keys()) expect((await iterator.next()).value).toEqual(ended(i));
    await Promise.all(reports);
  });

  it('leaves out progress where there is no room', async () => {
    const { bus, eventsMax, settle } = current();
    const iterator = bus.events(new AbortController().signal)[Symbol.asyncIterator]();
    for (let i = 0; i < eventsMax; i++) await bus.report(ended(i));
    await bus.report(progress(1));
    await settle();
    for (let i = 0; i < eventsMax; i++) await iterator.next();
    await bus.report(progress(2));
    expect((await iterator.next()).value).toEqual(progress(2));
  });

  it.each(['the signal aborts', 'the loop is left', 'the bus is closed'])(
    'lets go of who waits to report when %s',
    async (how) => {
      const { bus, eventsMax } = current();
      const stop = new AbortController();
      const iterator = bus.events(stop.signal)[Symbol.asyncIterator]();
      const reports = Array.from({ length: eventsMax + 1 }, (_, i) => bus.report(ended(i)));
      expect(await isSettled(reports[eventsMax]!, current())).toBe(false);
      if (how === 'the signal aborts') stop.abort();
      else if (how === 'the loop is left') await iterator.return?.();
      else await bus.close();
      await Promise.all(reports);
      await bus.report(ended(9));
      expect((await iterator.next()).done).toBe(true);
    },
  );
}
