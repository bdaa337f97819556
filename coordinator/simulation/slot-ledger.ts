// Where the time of every slot went. A slot is idle, busy or away at any time, and each stretch is put into one account when it is
// over, so that a pool's accounts add up to its slots times the makespan.

/** Slot-seconds of one pool. They add up to slots x makespan. */
export interface PoolTime {
  /** On tasks that were committed, as long as they take without straggling. */
  readonly busy: number;
  /** What stragglers took beyond that. */
  readonly straggling: number;
  /** On attempts that failed, were cancelled, or ended with their worker: to be done again, or for nothing. */
  readonly repeated: number;
  /** Dead: not there. */
  readonly away: number;
  /** Idle before the slot's first task of its own pool: the pipeline fills. */
  readonly filling: number;
  /** Idle though more was to come: nothing that the pool can run was ready, or published. */
  readonly starved: number;
  /** Idle after the last moment at which the whole pool was busy; of a pool that never was, after the slot's last task. */
  readonly tail: number;
}

export const TIME_ACCOUNTS = [
  'busy',
  'straggling',
  'repeated',
  'away',
  'filling',
  'starved',
  'tail',
] as const satisfies readonly (keyof PoolTime)[];

type Accounts = Record<keyof PoolTime, number>;

const IDLE = 0;
const BUSY = 1;
const AWAY = 2;

export class SlotLedger {
  readonly #poolOf: Uint8Array;
  readonly #accounts: Accounts[];
  readonly #states: Uint8Array;
  readonly #sinceMs: Float64Array;
  readonly #hasBegun: Uint8Array;
  /** By pool: slots that have not begun, slots that are idle. */
  readonly #notBegun: Uint32Array;
  readonly #idle: Uint32Array;
  /** By pool: idle since all of it was busy, which is its tail if that does not happen again. Not kept before it has happened once. */
  readonly #idleSinceFull: Float64Array;
  readonly #wasFull: Uint8Array;
  /** Idle so far of a slot that has run nothing of its own pool. */
  readonly #idleBefore: Float64Array;

  /** The pool, 0..pools-1, of each slot. */
  constructor(poolOf: Uint8Array, pools: number) {
    this.#poolOf = poolOf;
    this.#states = new Uint8Array(poolOf.length);
    this.#sinceMs = new Float64Array(poolOf.length);
    this.#hasBegun = new Uint8Array(poolOf.length);
    this.#idleBefore = new Float64Array(poolOf.length);
    this.#notBegun = new Uint32Array(pools);
    this.#idle = new Uint32Array(pools);
    this.#idleSinceFull = new Float64Array(pools);
    this.#wasFull = new Uint8Array(pools);
    for (const pool of poolOf) {
      this.#notBegun[pool] = this.#notBegun[pool]! + 1;
      this.#idle[pool] = this.#idle[pool]! + 1;
    }
    this.#accounts = Array.from({ length: pools }, () => ({
      ...{ busy: 0, straggling: 0, repeated: 0, away: 0 },
      ...{ filling: 0, starved: 0, tail: 0 },
    }));
  }

  /** A task begins on an idle slot; `isOwn`: of the slot's pool, not of `any`. */
  begin(slot: number, nowMs: number, isOwn: boolean): void {
    this.#endIdle(slot, nowMs);
    this.#enter(slot, nowMs, BUSY);
    if (isOwn && this.#hasBegun[slot] === 0) {
      const pool = this.#poolOf[slot]!;
      this.#hasBegun[slot] = 1;
      this.#notBegun[pool] = this.#notBegun[pool]! - 1;
      this.#add(slot, 'filling', this.#idleBefore[slot]!);
      this.#idleBefore[slot] = 0;
    }
    this.#noteFull(this.#poolOf[slot]!);
  }

  /** The slot's task is committed; of its time `usefulMs` were needed. */
  commit(slot: number, nowMs: number, usefulMs: number): void {
    const tookMs = nowMs - this.#sinceMs[slot]!;
    const useful = Math.min(usefulMs, tookMs);
    this.#add(slot, 'busy', useful);
    this.#add(slot, 'straggling', tookMs - useful);
    this.#enter(slot, nowMs, IDLE);
  }

  /** The slot's task ended without a result. */
  waste(slot: number, nowMs: number): void {
    this.#add(slot, 'repeated', nowMs - this.#sinceMs[slot]!);
    this.#enter(slot, nowMs, IDLE);
  }

  /** The worker dies; a task that ran was wasted first. */
  leave(slot: number, nowMs: number): void {
    this.#endIdle(slot, nowMs);
    this.#enter(slot, nowMs, AWAY);
  }

  /** A worker is there again, idle. */
  join(slot: number, nowMs: number): void {
    this.#add(slot, 'away', nowMs - this.#sinceMs[slot]!);
    this.#enter(slot, nowMs, IDLE);
  }

  /** Ends every stretch, and gives the accounts by pool. To be called once. */
  close(nowMs: number): readonly PoolTime[] {
    for (let slot = 0; slot < this.#poolOf.length; slot += 1) {
      const state = this.#states[slot];
      const stretch = nowMs - this.#sinceMs[slot]!;
      if (state === BUSY) this.#add(slot, 'repeated', stretch);
      else if (state === AWAY) this.#add(slot, 'away', stretch);
      else this.#add(slot, this.#hasBegun[slot] === 1 ? 'tail' : 'starved', stretch);
      // Nothing of its pool ever came: it did not wait for the pipeline to fill.
      this.#add(slot, 'starved', this.#idleBefore[slot]!);
    }
    this.#accounts.forEach((accounts, pool) => (accounts.tail += this.#idleSinceFull[pool]!));
    return this.#accounts.map(inSeconds);
  }

  #endIdle(slot: number, nowMs: number): void {
    const stretch = nowMs - this.#sinceMs[slot]!;
    const pool = this.#poolOf[slot]!;
    if (this.#hasBegun[slot] === 0) this.#idleBefore[slot] = this.#idleBefore[slot]! + stretch;
    else if (this.#wasFull[pool] === 0) this.#add(slot, 'starved', stretch);
    else this.#idleSinceFull[pool] = this.#idleSinceFull[pool]! + stretch;
  }

  /** All slots have begun, and none is idle: it was not the tail yet. */
  #noteFull(pool: number): void {
    if (this.#idle[pool]! > 0 || this.#notBegun[pool]! > 0) return;
    this.#wasFull[pool] = 1;
    this.#accounts[pool]!.starved += this.#idleSinceFull[pool]!;
    this.#idleSinceFull[pool] = 0;
  }

  #enter(slot: number, nowMs: number, state: number): void {
    const pool = this.#poolOf[slot]!;
    if (this.#states[slot] === IDLE) this.#idle[pool] = this.#idle[pool]! - 1;
    if (state === IDLE) this.#idle[pool] = this.#idle[pool]! + 1;
    this.#states[slot] = state;
    this.#sinceMs[slot] = nowMs;
  }

  #add(slot: number, account: keyof PoolTime, ms: number): void {
    this.#accounts[this.#poolOf[slot]!]![account] += ms;
  }
}

function inSeconds(accounts: Accounts): PoolTime {
  const seconds = { ...accounts };
  for (const account of TIME_ACCOUNTS) seconds[account] /= 1000;
  return seconds;
}
