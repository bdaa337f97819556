// The parts of a simulation: time, the order of events, draws, the accounts of slots, lines of idle slots.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import type { TaskId } from '../../../../common/task.ts';
import { Draws } from '../../../../coordinator/simulation/draws.ts';
import type { DrawOptions } from '../../../../coordinator/simulation/draws.ts';
import { EventHeap } from '../../../../coordinator/simulation/world/event-heap.ts';
import { IdleLine } from '../../../../coordinator/simulation/world/idle-line.ts';
import { balancedPools } from '../../../../coordinator/simulation/scenario.ts';
import { SlotLedger, TIME_ACCOUNTS } from '../../../../coordinator/simulation/slot-ledger.ts';
import { VirtualClock } from '../../../../coordinator/simulation/world/virtual-clock.ts';

describe('the event heap', () => {
  it('gives entries by time, and those of one time as they came', () => {
    const heap = new EventHeap();
    const times = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 97);
    times.forEach((time, i) => {
      heap.push(time, i, 0);
    });
    const expected = times.map((time, i) => ({ time, i })).sort((a, b) => a.time - b.time);
    for (const { time, i } of expected) {
      expect(heap.soonest).toBe(time);
      expect(heap.top.first).toBe(i);
      heap.pop();
    }
    expect(heap.length).toBe(0);
    expect(heap.soonest).toBe(Infinity);
  });
});

describe('the virtual clock', () => {
  it('goes from event to event, and takes in what is added for the same time', () => {
    const seen: string[] = [];
    const clock = new VirtualClock((first, second) => {
      seen.push(`${clock.nowMs()} ${first}/${second}`);
      if (first === 1) clock.at(clock.nowMs(), 2, 0);
    });
    clock.at(50, 1, 7);
    clock.after(20, () => seen.push(`${clock.nowMs()} timer`));
    const callOff = clock.after(30, () => seen.push('called off'));
    callOff();
    expect(clock.advance()).toBe(true);
    expect(clock.nowMs()).toBe(20);
    while (clock.advance()) expect(clock.nowMs()).toBeLessThanOrEqual(50);
    expect(seen).toEqual(['20 timer', '50 1/7', '50 2/0']);
  });
});

describe('draws', () => {
  const options: DrawOptions = {
    seed: 3,
    spread: 0.5,
    stragglers: { share: 0.1, factor: 4 },
    failures: 0.2,
  };
  const ids = Array.from({ length: 20_000 }, (_, i) => digestText(`${i}`) as string as TaskId);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;

  it('are log-normal with the mean and spread that were asked for', () => {
    const draws = new Draws(options);
    const seconds = ids.map((id) => draws.seconds(id, 10));
    expect(mean(seconds)).toBeGreaterThan(9.8);
    expect(mean(seconds)).toBeLessThan(10.2);
    const logs = seconds.map(Math.log);
    const middle = mean(logs);
    const spread = Math.sqrt(mean(logs.map((log) => (log - middle) ** 2)));
    expect(spread).toBeGreaterThan(0.48);
    expect(spread).toBeLessThan(0.52);
  });

  it('make stragglers and failures as often as was asked for, anew for every run', () => {
    const draws = new Draws(options);
    const slow = mean(ids.map((id) => Number(draws.slowdown(id, 1) === 4)));
    expect(Math.abs(slow - 0.1)).toBeLessThan(0.01);
    const failing = (run: number): boolean[] =>
      ids.map((id) => draws.failsAt(id, run) !== undefined);
    const first = failing(1);
    const second = failing(2);
    expect(Math.abs(mean(first.map(Number)) - 0.2)).toBeLessThan(0.01);
    const twice = first.filter((fails, i) => fails && second[i]);
    expect(Math.abs(twice.length / ids.length - 0.04)).toBeLessThan(0.01);
  });

  it('are the same for a seed, and others for another', () => {
    const of = (seed: number): number[] => {
      const draws = new Draws({ ...options, seed });
      return ids.slice(0, 10).map((id) => draws.seconds(id, 1));
    };
    expect(of(3)).toEqual(of(3));
    expect(of(3)).not.toEqual(of(4));
    expect(of(3)).not.toEqual(of(3 + 2 ** 32));
  });
});

describe('the slot ledger', () => {
  it('puts every second of every slot into one account', () => {
    const ledger = new SlotLedger(new Uint8Array([0, 0, 1]), 2);
    // Slot 0: a task of any pool, then its own; straggles; then idle while slot 1 is busy; its own again.
    ledger.begin(0, 1000, false);
    ledger.commit(0, 2000, 1000);
    ledger.begin(0, 4000, true);
    ledger.begin(1, 4000, true);
    ledger.commit(0, 7000, 2000);
    ledger.begin(0, 9000, true);
    ledger.commit(0, 10_000, 1000);
    // Slot 1: dies in mid-task, comes back, has nothing more to do.
    ledger.waste(1, 9500);
    ledger.leave(1, 9500);
    ledger.join(1, 11_000);
    // Slot 2 never gets anything.
    const [first, second] = ledger.close(12_000);
    expect(first).toEqual({
      busy: 1 + 2 + 1,
      straggling: 1,
      repeated: 5.5,
      away: 1.5,
      filling: 1 + 2 + 4,
      starved: 2,
      tail: 2 + 1,
    });
    expect(second!.starved).toBe(12);
    const total = TIME_ACCOUNTS.reduce(
      (sum, account) => sum + first![account] + second![account],
      0,
    );
    expect(total).toBe(3 * 12);
  });
});

describe('a line of idle slots', () => {
  it('keeps its order when one leaves from the middle or comes again', () => {
    const line = new IdleLine(4);
    [2, 0, 3, 1].forEach((slot, turn) => {
      line.append(slot, turn);
    });
    line.remove(0);
    line.remove(0);
    line.append(0, 9);
    const order: number[] = [];
    for (let slot = line.first; slot >= 0; slot = line.after(slot)) order.push(slot);
    expect(order).toEqual([2, 3, 1, 0]);
    for (const slot of order) line.remove(slot);
    expect(line.first).toBe(-1);
  });
});

describe('balanced pools', () => {
  const seconds = { idm: 1, mixer: 10, vdm: 30 };

  it('are in the ratio of the work, and as many as there are workers', () => {
    const pools = balancedPools(10_000, { frames: 1000, window: 16, seconds });
    expect(pools).toEqual({ idm: 2841, mixer: 1790, vdm: 5369 });
  });

  it('have a worker each', () => {
    expect(
      balancedPools(3, { frames: 8, window: 8, seconds: { idm: 1, mixer: 1, vdm: 999 } }),
    ).toEqual({
      idm: 1,
      mixer: 1,
      vdm: 1,
    });
  });
});
