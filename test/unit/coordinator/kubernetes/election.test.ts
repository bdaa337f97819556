// Goal: never two leaders at once, whatever calls do, and one soon where one can be. Method: electors in virtual time against one record
// that takes a write only over the version that was read; calls take time, fail, hang, and get lost on the way back. Each elector has a
// clock of its own that began somewhere else.

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';

import { BivdiffError } from '../../../../common/errors.ts';
import { Election } from '../../../../coordinator/kubernetes/election/election.ts';
import type { LeaseRecord } from '../../../../coordinator/kubernetes/election/election.ts';
import { becomeLeader } from '../../../../coordinator/kubernetes/election/elector.ts';
import type { Leadership, Leases } from '../../../../coordinator/kubernetes/election/elector.ts';
import { VirtualClock } from '../../../../coordinator/simulation/world/virtual-clock.ts';
import { createRandom } from '../../../support/random.ts';

const TIMES = { leaseMs: 10_000, renewMs: 6_000, retryMs: 2_000 };
const WALL = new Date(0);

/** Lets all promises that wait for nothing but each other go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

async function runUntil(clock: VirtualClock, untilMs: number): Promise<void> {
  clock.after(untilMs - clock.nowMs(), () => undefined);
  await settle();
  while (clock.nowMs() < untilMs && clock.advance()) await settle();
}

/** How the way to the record is: for each call how long it takes, and what becomes of it. */
type Way = () => { readonly tookMs: number; readonly fate: 'answered' | 'refused' | 'lost' };

const GOOD: Way = () => ({ tookMs: 5, fate: 'answered' });
const CUT: Way = () => ({ tookMs: 1e9, fate: 'refused' });

/** One record, as the server has it. */
class Register {
  record: LeaseRecord | undefined;
  #version = 0;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  seenBy(way: () => Way): Leases {
    /** `lost`: it was done, but nobody hears of it. */
    const call = <T>(timeoutMs: number, work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const { tookMs, fate } = way()();
        const timedOut = (): void => {
          reject(new BivdiffError('unavailable', 'no answer'));
        };
        this.#clock.after(timeoutMs, timedOut);
        this.#clock.after(tookMs / 2, () => {
          if (fate === 'refused') return;
          const answer = work();
          if (fate === 'lost') return;
          this.#clock.after(tookMs / 2, () => {
            resolve(answer);
          });
        });
      });
    return {
      read: (timeoutMs) =>
        call(timeoutMs, () => {
          const { record } = this;
          return record && { record, version: String(this.#version) };
        }),
      write: (record, seen, timeoutMs) =>
        call(timeoutMs, () => {
          const isNewest =
            seen === undefined ? !this.record : seen.version === String(this.#version);
          if (!isNewest) return 'conflict';
          this.record = record;
          this.#version += 1;
          return 'written';
        }),
    };
  }
}

class Contender {
  way: Way = GOOD;
  leadership: Leadership | undefined;
  readonly name: string;
  readonly troubles: BivdiffError[] = [];
  readonly holders: string[] = [];
  readonly end = new AbortController();

  constructor(name: string, clock: VirtualClock, register: Register, offsetMs: number) {
    this.name = name;
    const own = {
      nowMs: () => clock.nowMs() + offsetMs,
      after: (delayMs: number, callback: () => void) => clock.after(delayMs, callback),
    };
    const options = {
      leases: register.seenBy(() => this.way),
      ...{ clock: own, identity: name, times: TIMES },
      // Wrong by years, and not the same for all.
      wall: () => new Date(offsetMs * 1e4 + clock.nowMs()),
      onTrouble: (error: BivdiffError | undefined) => void (error && this.troubles.push(error)),
      onHolder: (holder: string) => void this.holders.push(holder),
    };
    void becomeLeader(options, this.end.signal).then((leadership) => {
      this.leadership = leadership;
    });
  }

  get leads(): boolean {
    return this.leadership !== undefined && !this.leadership.lost.aborted;
  }
}

function farm(...names: string[]) {
  const clock = new VirtualClock(() => undefined);
  const register = new Register(clock);
  const contenders = names.map((name, i) => new Contender(name, clock, register, 1_000_000 * i));
  return { clock, register, contenders };
}

describe('an election', () => {
  it('following → leading: takes a lease that nobody has, at once', async () => {
    const { clock, register, contenders } = farm('a', 'b');
    await runUntil(clock, 3_000);
    expect(contenders.filter(({ leads }) => leads)).toHaveLength(1);
    expect(register.record).toMatchObject({ leaseSeconds: 10, transitions: 0 });
    const [follower] = contenders.filter(({ leads }) => !leads);
    expect(follower!.holders.at(-1)).toBe(register.record!.holder);
  });

  it('leading: renews for as long as it is let', async () => {
    const { clock, register, contenders } = farm('a', 'b');
    await runUntil(clock, 3_000);
    const leader = contenders.find(({ leads }) => leads)!;
    await runUntil(clock, 3_600_000);
    expect(leader.leads).toBe(true);
    expect(register.record).toMatchObject({ holder: leader.name, transitions: 0 });
  });

  it('leading → lost before another leads, where the leader is cut off', async () => {
    const { clock, contenders } = farm('a', 'b');
    await runUntil(clock, 3_000);
    const leader = contenders.find(({ leads }) => leads)!;
    const other = contenders.find((one) => one !== leader)!;
    leader.way = CUT;
    await runUntil(clock, 3_000 + TIMES.renewMs);
    expect(leader.leads).toBe(false);
    expect(other.leads).toBe(false);
    await runUntil(clock, 3_000 + TIMES.leaseMs + 2 * TIMES.retryMs + 100);
    expect(other.leads).toBe(true);
    expect(other.leadership!.before).toBe(leader.name);
    const reason = leader.leadership!.lost.reason as BivdiffError;
    expect(reason).toMatchObject({ code: 'aborted' });
    expect(reason.message).toContain('could not be renewed in time');
    expect(reason.cause).toMatchObject({ code: 'unavailable' });
  });

  it('leading → lost at once where another has taken it over', async () => {
    const { clock, register, contenders } = farm('a');
    await runUntil(clock, 1_000);
    register.record = { ...register.record!, holder: 'somebody' };
    await runUntil(clock, 1_000 + TIMES.retryMs + 100);
    const [{ leads, leadership }] = contenders as [Contender];
    expect(leads).toBe(false);
    expect((leadership!.lost.reason as BivdiffError).message).toContain('somebody has it');
  });

  it('released: the next leads within a retry, and the lease is given up only by who has it', async () => {
    const { clock, register, contenders } = farm('a', 'b');
    await runUntil(clock, 3_000);
    const leader = contenders.find(({ leads }) => leads)!;
    const other = contenders.find((one) => one !== leader)!;
    const released = leader.leadership!.release();
    await runUntil(clock, 3_000 + TIMES.retryMs + 200);
    await released;
    expect(other.leads).toBe(true);
    expect(other.leadership!.before).toBe('');
    await runUntil(clock, 60_000);
    void leader.leadership!.release();
    await runUntil(clock, 61_000);
    expect(register.record!.holder).toBe(other.name);
  });

  it('waits for as long as the record says from when it saw it last change, by its own clock', () => {
    const election = new Election('me', TIMES);
    const other = (renewedAt: number): LeaseRecord => ({
      ...{ holder: 'you', leaseSeconds: 30, transitions: 4 },
      ...{ acquiredAt: WALL, renewedAt: new Date(renewedAt) },
    });
    // Renewed years ago, by the other's clock.
    expect(election.look(other(1), 0, WALL)).toBeUndefined();
    expect(election.look(other(1), 29_999, WALL)).toBeUndefined();
    expect(election.look(other(2), 29_999, WALL)).toBeUndefined();
    expect(election.look(other(2), 59_998, WALL)).toBeUndefined();
    expect(election.look(other(2), 59_999, WALL)).toMatchObject({ holder: 'me', transitions: 5 });
  });

  it('does not lead when its write was taken so late that the lease is gone', () => {
    const election = new Election('me', TIMES);
    const record = election.look(undefined, 0, WALL)!;
    election.written(record, 0, TIMES.renewMs);
    expect(election.state).toBe('lost');
  });

  it('does not lead on after standing still, though the record is still its own', () => {
    const election = new Election('me', TIMES);
    const record = election.look(undefined, 0, WALL)!;
    election.written(record, 0, 1);
    expect(election.look(record, 3_600_000, WALL)).toBeUndefined();
    expect(election.state).toBe('lost');
  });

  it('ends when it is told to, without having led', async () => {
    const { clock, contenders } = farm('a', 'b');
    await runUntil(clock, 3_000);
    const follower = contenders.find(({ leads }) => !leads)!;
    follower.end.abort();
    await runUntil(clock, 30_000);
    expect(follower.leadership).toBeUndefined();
  });

  it('property: at most one leads at any time, and one does once the way is good again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
        const random = createRandom(seed);
        const { clock, contenders } = farm('a', 'b', 'c');
        const bad: Way = () => {
          const fates = ['answered', 'answered', 'answered', 'refused', 'lost'] as const;
          const tookMs = random() < 0.8 ? 500 * random() : 9_000 * random();
          return { tookMs, fate: fates[Math.floor(fates.length * random())]! };
        };
        const led = new Set<string>();
        for (let step = 1; step <= 300; step += 1) {
          for (const one of contenders)
            if (random() < 0.05) one.way = [GOOD, bad, CUT][Math.floor(3 * random())]!;
          await runUntil(clock, step * 500);
          const leaders = contenders.filter(({ leads }) => leads);
          expect(leaders.length).toBeLessThanOrEqual(1);
          for (const { name } of leaders) led.add(name);
        }
        for (const one of contenders) one.way = GOOD;
        await runUntil(clock, 150_000 + TIMES.leaseMs + 3 * TIMES.retryMs + 10_000);
        // Those who have lost it do not come back: their programs end.
        const able = contenders.filter(({ leadership }) => leadership?.lost.aborted !== true);
        expect(able.filter(({ leads }) => leads)).toHaveLength(Math.min(1, able.length));
        return led.size > 0;
      }),
      { numRuns: 30 },
    );
  });
});
