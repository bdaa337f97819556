// Runs an election against a record that is somewhere else: follows until it leads, renews while it leads, says when that is over. Every wait
// is bounded; what goes wrong is told and tried again.

import { BivdiffError } from '../../../common/errors.ts';
import { pause } from '../../pause.ts';
import type { Clock } from '../../ports.ts';
import { Election } from './election.ts';
import type { ElectionTimes, LeaseRecord } from './election.ts';

/** A record as it was read, for a write over it. */
export interface SeenLease {
  readonly record: LeaseRecord;
  /** What the server knows this version of it by. */
  readonly version: string;
}

/** Where the record is. Calls end within `timeoutMs`, one way or the other. */
export interface Leases {
  /** Undefined: there is none. */
  read(timeoutMs: number): Promise<SeenLease | undefined>;
  /** Writes over `seen`, or makes it. `conflict`: somebody has written meanwhile. */
  write(
    record: LeaseRecord,
    seen: SeenLease | undefined,
    timeoutMs: number,
  ): Promise<'written' | 'conflict'>;
}

export interface ElectorOptions {
  readonly leases: Leases;
  readonly clock: Clock;
  /** The time of day. */
  readonly wall: () => Date;
  /** Of this process alone. */
  readonly identity: string;
  readonly times: ElectionTimes & {
    /** Between two looks, and between two renewals. */
    readonly retryMs: number;
  };
  /** Who leads has changed, as seen while following; empty: nobody does. */
  readonly onHolder?: (holder: string) => void;
  /** A look or a renewal did not work and will be tried again; undefined: the last one worked. */
  readonly onTrouble?: (error: BivdiffError | undefined) => void;
}

/** That this process leads. */
export interface Leadership {
  /** Whose the lease was before; empty: nobody's, or it was given up. */
  readonly before: string;
  /** Aborts, with why, when it leads no longer. */
  readonly lost: AbortSignal;
  /** Gives the lease up, so that the next leads at once; to be called when all is over that only a leader does. Never fails. */
  release(): Promise<void>;
}

/** The longest that one call may take while nobody's leadership depends on it. */
const CALL_MS = 5_000;

/** Waits until this process leads; undefined if the signal aborts before. */
export async function becomeLeader(
  options: ElectorOptions,
  signal: AbortSignal,
): Promise<Leadership | undefined> {
  const elector = new Elector(options);
  while (!signal.aborted) {
    await elector.step(CALL_MS);
    if (elector.isLeading) return elector.lead();
    await pause(options.clock, options.times.retryMs, signal);
  }
  return undefined;
}

class Elector {
  readonly #options: ElectorOptions;
  readonly #election: Election;
  readonly #ended = new AbortController();
  readonly #lost = new AbortController();
  #renewing: Promise<void> = Promise.resolve();
  #holder: string | undefined;
  #before = '';
  #callOffDeadline: () => void = () => undefined;
  #lastTrouble: BivdiffError | undefined;

  constructor(options: ElectorOptions) {
    this.#options = options;
    this.#election = new Election(options.identity, options.times);
  }

  get isLeading(): boolean {
    return this.#election.state === 'leading';
  }

  /** One look, and one write if there is something to write. */
  async step(timeoutMs: number): Promise<void> {
    const { leases, clock, wall, onHolder, onTrouble } = this.#options;
    try {
      const seen = await leases.read(timeoutMs);
      const askedMs = clock.nowMs();
      const record = this.#election.look(seen?.record, askedMs, wall());
      if (!this.isLeading) this.#before = seen?.record.holder ?? '';
      if (record !== undefined && (await leases.write(record, seen, timeoutMs)) === 'written')
        this.#election.written(record, askedMs, clock.nowMs());
      this.#lastTrouble = undefined;
    } catch (reason) {
      this.#lastTrouble = BivdiffError.from(reason);
    }
    onTrouble?.(this.#lastTrouble);
    const { holder } = this.#election;
    if (this.isLeading || holder === this.#holder || this.#lastTrouble !== undefined) return;
    this.#holder = holder;
    onHolder?.(holder);
  }

  lead(): Leadership {
    this.#watchDeadline();
    this.#renewing = this.#renew();
    return { before: this.#before, lost: this.#lost.signal, release: () => this.#release() };
  }

  async #renew(): Promise<void> {
    const { clock, times } = this.#options;
    let waitMs = times.retryMs;
    while (await pause(clock, waitMs, this.#ended.signal)) {
      const begunMs = clock.nowMs();
      // One that hangs leaves time for another.
      const leftMs = Math.min(times.retryMs, this.#election.deadlineMs - begunMs);
      if (leftMs > 0) await this.step(leftMs);
      this.#watchDeadline();
      if (this.#lost.signal.aborted) return;
      waitMs = Math.max(0, times.retryMs - (clock.nowMs() - begunMs));
    }
  }

  /** A call that never answers must not keep a leader that is none. */
  #watchDeadline(): void {
    const { clock } = this.#options;
    this.#callOffDeadline();
    if (this.#ended.signal.aborted) return;
    this.#election.check(clock.nowMs());
    if (this.#election.state === 'lost') {
      this.#lose();
      return;
    }
    const leftMs = this.#election.deadlineMs - clock.nowMs();
    this.#callOffDeadline = clock.after(Math.max(0, leftMs), () => {
      this.#watchDeadline();
    });
  }

  #lose(): void {
    const { holder } = this.#election;
    const isTaken = holder !== '' && holder !== this.#options.identity;
    const why = isTaken ? `${holder} has it` : 'it could not be renewed in time';
    const { renewMs } = this.#options.times;
    const error = new BivdiffError('aborted', `this coordinator leads no longer: ${why}`, {
      hint: `It ends, and follows once it is started again. If this repeats, the API server does not answer within ${renewMs / 1000} s, or this machine is too busy: give leaderElection more time.`,
      ...(this.#lastTrouble && { cause: this.#lastTrouble }),
    });
    this.#lost.abort(error);
  }

  async #release(): Promise<void> {
    this.#ended.abort();
    this.#callOffDeadline();
    await this.#renewing;
    if (this.#lost.signal.aborted) return;
    const { leases, wall } = this.#options;
    try {
      const seen = await leases.read(CALL_MS);
      const record = this.#election.release(seen?.record, wall());
      if (record !== undefined) await leases.write(record, seen, CALL_MS);
    } catch {
      // It lapses by itself.
    }
  }
}
