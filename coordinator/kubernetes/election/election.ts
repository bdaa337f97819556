// Who leads, decided by a record that all contenders read and write, each write only if nobody has written since: a Lease of Kubernetes.
// Pure: it is told what was read and when, by this machine's own clock, and says what to write. The record's own times are for people:
// clocks of other machines are not trusted, so another's lease counts from when its record was last seen to change.

/** What the record says. */
export interface LeaseRecord {
  /** Empty: nobody's. */
  readonly holder: string;
  /** For how long the holder has it, from its last renewal on. */
  readonly leaseSeconds: number;
  readonly acquiredAt: Date | undefined;
  readonly renewedAt: Date | undefined;
  /** How often it has had another holder. */
  readonly transitions: number;
}

export interface ElectionTimes {
  /** For so long others leave the lease alone. */
  readonly leaseMs: number;
  /** Who could not renew for so long does not lead any more: less than `leaseMs`. */
  readonly renewMs: number;
}

/**
 * - `following`: another leads, or nobody; on to `leading` when a write of ours was taken
 * - `leading`: we do, as long as renewals are taken; on to `lost`
 * - `lost`: we did; for good, since what was done as leader has to end first
 */
export type ElectionState = 'following' | 'leading' | 'lost';

/** Of a record that says more than that. No program here holds a lease so long. */
const LEASE_SECONDS_MAX = 3_600;

export class Election {
  readonly #identity: string;
  readonly #times: ElectionTimes;
  #state: ElectionState = 'following';
  #seen: LeaseRecord | undefined;
  /** When the record was first seen as it is. */
  #seenMs = -Infinity;
  /** When the last renewal that was taken had been begun. */
  #renewedMs = -Infinity;

  /** `identity`: of this process alone, so that what another left under our pod's name is not taken for ours. */
  constructor(identity: string, times: ElectionTimes) {
    this.#identity = identity;
    this.#times = times;
  }

  get state(): ElectionState {
    return this.#state;
  }

  /** As last read; empty: nobody. */
  get holder(): string {
    return this.#seen?.holder ?? '';
  }

  /**
   * Takes in what was read (undefined: there is no record) and gives what shall be written over it now, if anything. `nowMs` by a clock that
   * is never set; `wall` for people.
   */
  look(record: LeaseRecord | undefined, nowMs: number, wall: Date): LeaseRecord | undefined {
    if (!isSame(record, this.#seen)) {
      this.#seen = record;
      this.#seenMs = nowMs;
    }
    this.check(nowMs);
    if (this.#state === 'lost') return undefined;
    const holder = record?.holder ?? '';
    const isOurs = holder === this.#identity;
    if (this.#state === 'leading' && !isOurs && holder !== '') {
      this.#state = 'lost';
      return undefined;
    }
    if (this.#state === 'following' && !isOurs && this.#isHeld(record, nowMs)) return undefined;
    return {
      holder: this.#identity,
      leaseSeconds: Math.ceil(this.#times.leaseMs / 1000),
      acquiredAt: isOurs ? record?.acquiredAt : wall,
      renewedAt: wall,
      transitions: record === undefined ? 0 : record.transitions + (isOurs ? 0 : 1),
    };
  }

  /** What `look` gave was taken by the server; it was asked at `askedMs`: from then on the others count. */
  written(record: LeaseRecord, askedMs: number, nowMs: number): void {
    this.#seen = record;
    this.#seenMs = nowMs;
    this.#renewedMs = askedMs;
    if (this.#state === 'following') this.#state = 'leading';
    this.check(nowMs);
  }

  /** To be called when time has passed: a lease that was not renewed for long is no longer ours, whatever the record says. */
  check(nowMs: number): void {
    if (this.#state === 'leading' && nowMs >= this.deadlineMs) this.#state = 'lost';
  }

  /** Until when we lead if nothing more is taken. */
  get deadlineMs(): number {
    return this.#renewedMs + this.#times.renewMs;
  }

  /** What to write over `record` so that the next leads at once; undefined if it is not ours. */
  release(record: LeaseRecord | undefined, wall: Date): LeaseRecord | undefined {
    if (record?.holder !== this.#identity) return undefined;
    return { ...record, holder: '', leaseSeconds: 1, renewedAt: wall };
  }

  #isHeld(record: LeaseRecord | undefined, nowMs: number): boolean {
    if (record === undefined || record.holder === '') return false;
    const leaseMs = 1000 * Math.min(record.leaseSeconds, LEASE_SECONDS_MAX);
    return nowMs < this.#seenMs + leaseMs;
  }
}

function isSame(one: LeaseRecord | undefined, other: LeaseRecord | undefined): boolean {
  return (
    one?.holder === other?.holder &&
    one?.leaseSeconds === other?.leaseSeconds &&
    one?.transitions === other?.transitions &&
    one?.renewedAt?.getTime() === other?.renewedAt?.getTime() &&
    one?.acquiredAt?.getTime() === other?.acquiredAt?.getTime()
  );
}
