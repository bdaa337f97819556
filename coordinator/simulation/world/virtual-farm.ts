// The workers of a simulation: slots that take tasks from the bus as real ones do, are busy for as long as the draws say, and commit, fail or
// die. State is by slot and by worker, in arrays; nothing is made per task but what the bus and the store keep.

import { STAGE_FACTS } from '../../../common/stage-facts.ts';
import type { FailureJson } from '../../../common/errors.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import { beatInGroups } from './beat-in-groups.ts';
import { IdleSlots } from './idle-slots.ts';
import { layOut } from '../farm-layout.ts';
import { meanSeconds, WORKER_POOLS } from '../scenario.ts';
import type { Attempts } from '../simulation-result.ts';
import { SlotLedger } from '../slot-ledger.ts';
import type { PoolTime } from '../slot-ledger.ts';
import { isKeptFrom } from './virtual-bus.ts';
import type { FarmOptions } from './farm-options.ts';
import type { Letter } from './virtual-bus.ts';
import { FAILED, recordOf, statusOf, STOPPED } from './virtual-worker.ts';
import type { WorkerKind } from './virtual-worker.ts';

export class VirtualFarm {
  readonly attempts: Attempts = { committed: 0, failed: 0, cancelled: 0, lost: 0 };
  readonly #options: FarmOptions;
  readonly #ledger: SlotLedger;
  readonly #idle: IdleSlots;
  readonly #kinds: readonly WorkerKind[];
  readonly #kindOf: Uint8Array;
  readonly #statuses: WorkerStatus[];
  readonly #isAlive: Uint8Array;
  readonly #isResting: Uint8Array;
  readonly #lives: Uint16Array;
  readonly #firstSlot: Uint32Array;
  readonly #poolOf: Uint8Array;
  readonly #workerOf: Uint32Array;
  readonly #letters: (Letter | undefined)[];
  /** Raised whenever the slot is freed: an end that was foreseen for an earlier run is void. */
  readonly #runs: Int32Array;
  readonly #usefulMs: Float64Array;
  readonly #startMs: Float64Array;
  readonly #willFail: Uint8Array;
  #running = 0;
  #deaths = 0;

  constructor(options: FarmOptions) {
    this.#options = options;
    const { scenario } = options;
    const { statuses, firstSlot, poolOf, kindOf, kinds, workerOf } = layOut(scenario);
    const [workers, slots] = [statuses.length, poolOf.length];
    this.#statuses = statuses;
    this.#firstSlot = firstSlot;
    this.#poolOf = poolOf;
    this.#kindOf = kindOf;
    this.#kinds = kinds;
    this.#workerOf = workerOf;
    this.#isAlive = new Uint8Array(workers).fill(1);
    this.#isResting = new Uint8Array(workers);
    this.#lives = new Uint16Array(workers);
    this.#letters = new Array<Letter | undefined>(slots).fill(undefined);
    this.#runs = new Int32Array(slots);
    this.#usefulMs = new Float64Array(slots);
    this.#startMs = new Float64Array(slots);
    this.#willFail = new Uint8Array(slots);
    this.#ledger = new SlotLedger(this.#poolOf, WORKER_POOLS.length);
    this.#idle = new IdleSlots(kinds, kindOf, (queue) => options.bus.numberOf(queue));
  }

  /** Slots that run something now. */
  get running(): number {
    return this.#running;
  }

  /** Workers that died. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Every worker comes, and asks for work; or none does before `come`. */
  begin(): void {
    const { clock, scenario, onBeats, startsEmpty = false } = this.#options;
    if (startsEmpty)
      for (let worker = 0; worker < this.#statuses.length; worker += 1) this.#leave(worker);
    else {
      onBeats(this.#statuses);
      for (let slot = 0; slot < this.#poolOf.length; slot += 1) this.#pull(slot);
    }
    beatInGroups({
      ...{ clock, onBeats, statuses: this.#statuses },
      isAlive: (worker) => this.#isAlive[worker] === 1,
    });
    if (scenario.deathsPerHour === 0) return;
    for (let worker = 0; worker < this.#statuses.length; worker += 1) this.#foreseeDeath(worker);
  }

  /** The run of this slot is over, if it is still the one that was meant. */
  end(slot: number, run: number): void {
    if (this.#runs[slot] !== run) return;
    const letter = this.#letters[slot]!;
    if (this.#willFail[slot] === 1) this.#fail(slot, letter, FAILED);
    else this.#commit(slot, letter);
    this.#pull(slot);
  }

  /** As `Takers.offer`: to the slot that has waited longest, of the pools that may run it. */
  offer(letter: Letter): boolean {
    const slot = this.#idle.take(letter.queue, (one) => isKeptFrom(letter, this.#nameOf(one)));
    if (slot < 0) return false;
    this.#start(slot, letter);
    return true;
  }

  /** As `Takers.stop`: a worker that is dead does not hear it. */
  stop(letter: Letter): void {
    const { slot } = letter;
    if (this.#letters[slot] !== letter) return;
    this.#fail(slot, letter, STOPPED);
    this.#pull(slot);
  }

  /** Where the time went, by pool, as `WORKER_POOLS` has them. To be called once, at the end. */
  close(): readonly PoolTime[] {
    return this.#ledger.close(this.#options.clock.nowMs());
  }

  /** Whether some slot of the worker runs something. */
  isBusy(worker: number): boolean {
    return this.#slotsOf(worker).some((slot) => this.#letters[slot] !== undefined);
  }

  /** It takes nothing more, or again; what it runs goes on. */
  rest(worker: number, isResting: boolean): void {
    if (this.#isAlive[worker] === 0 || isResting === (this.#isResting[worker] === 1)) return;
    this.#isResting[worker] = isResting ? 1 : 0;
    const status = { ...this.#statuses[worker]!, draining: isResting };
    this.#statuses[worker] = status;
    this.#options.onBeats([status]);
    for (const slot of this.#slotsOf(worker)) {
      if (this.#letters[slot] !== undefined) continue;
      if (isResting) this.#idle.remove(slot);
      else this.#pull(slot);
    }
  }

  /** It ends, and hands back what it runs; gives how many tasks that was. */
  go(worker: number): number {
    const { bus, onBeats } = this.#options;
    const handedBack = this.#leave(worker);
    onBeats([{ ...this.#statuses[worker]!, leaving: true }]);
    for (const letter of handedBack) bus.lapse(letter);
    return handedBack.length;
  }

  #slotsOf(worker: number): number[] {
    const [first, end] = [this.#firstSlot[worker]!, this.#firstSlot[worker + 1]!];
    return Array.from({ length: end - first }, (_, index) => first + index);
  }

  #nameOf(slot: number): string {
    return this.#statuses[this.#workerOf[slot]!]!.name;
  }

  #pull(slot: number): void {
    const { bus } = this.#options;
    if (this.#isResting[this.#workerOf[slot]!] === 1) return;
    const name = this.#nameOf(slot);
    for (const queue of this.#idle.queuesOf(slot)) {
      const letter = bus.take(queue, name);
      if (letter === undefined) continue;
      this.#start(slot, letter);
      return;
    }
    this.#idle.add(slot);
  }

  #start(slot: number, letter: Letter): void {
    const { bus, clock, scenario, draws, stageSeconds, poisoned } = this.#options;
    const { task, attempt } = letter.message;
    const pool = WORKER_POOLS[this.#poolOf[slot]!]!;
    letter.state = 'leased';
    letter.slot = slot;
    letter.deliveries += 1;
    this.#letters[slot] = letter;
    this.#running += 1;
    const nowMs = clock.nowMs();
    this.#ledger.begin(slot, nowMs, STAGE_FACTS[task.stage].pool !== 'any');
    const mean = meanSeconds(task, stageSeconds);
    const usefulMs = (draws.seconds(task.id, mean) / scenario.pools[pool].speed) * 1000;
    const run = attempt * 64 + letter.deliveries; // each attempt and delivery draws anew
    const failsAt = poisoned.has(task.id) ? 1 : draws.failsAt(task.id, run);
    const overheadMs = 1000 * (scenario.overheadSeconds ?? 0);
    const wholeMs = usefulMs * draws.slowdown(task.id, run) + overheadMs;
    this.#usefulMs[slot] = usefulMs;
    this.#startMs[slot] = nowMs;
    this.#willFail[slot] = failsAt === undefined ? 0 : 1;
    clock.at(nowMs + wholeMs * (failsAt ?? 1), slot, this.#runs[slot]!);
    bus.report({
      kind: 'started',
      taskId: task.id,
      worker: this.#nameOf(slot),
      attempt,
      slot: slot - this.#firstSlot[this.#workerOf[slot]!]!,
      stage: task.stage,
    });
  }

  #commit(slot: number, letter: Letter): void {
    const { bus, clock, store, onRun } = this.#options;
    const { task, attempt } = letter.message;
    const nowMs = clock.nowMs();
    const beganMs = this.#startMs[slot]!;
    const seconds = (nowMs - beganMs) / 1000;
    onRun?.({ taskId: task.id, stage: task.stage, beganMs, endedMs: nowMs });
    const worker = this.#nameOf(slot);
    const kept = store.commit(recordOf(letter.message, worker, seconds));
    bus.report({ kind: 'committed', taskId: task.id, worker, attempt, result: kept });
    bus.end(letter);
    this.attempts.committed += 1;
    this.#ledger.commit(slot, nowMs, this.#usefulMs[slot]!);
    this.#free(slot);
  }

  #fail(slot: number, letter: Letter, why: FailureJson): void {
    const { bus, clock } = this.#options;
    const { task, attempt } = letter.message;
    const worker = this.#nameOf(slot);
    bus.report({ kind: 'failed', taskId: task.id, worker, attempt, failure: why });
    bus.end(letter);
    this.attempts[why === STOPPED ? 'cancelled' : 'failed'] += 1;
    this.#ledger.waste(slot, clock.nowMs());
    this.#free(slot);
  }

  #free(slot: number): void {
    this.#letters[slot] = undefined;
    this.#running -= 1;
    this.#runs[slot] = (this.#runs[slot]! + 1) & 0x3fffffff;
  }

  #foreseeDeath(worker: number): void {
    const { clock, draws, scenario } = this.#options;
    const seconds = draws.secondsToDeath(worker, this.#lives[worker]!, scenario.deathsPerHour);
    clock.after(seconds * 1000, () => {
      this.#die(worker);
    });
  }

  #die(worker: number): void {
    const { bus, clock, scenario } = this.#options;
    this.#deaths += 1;
    for (const letter of this.#leave(worker)) {
      clock.after(scenario.ackWaitMs, () => {
        bus.lapse(letter);
      });
    }
    clock.after(scenario.returnSeconds * 1000, () => {
      this.#return(worker);
    });
  }

  /** It is there no longer; gives what it ran. */
  #leave(worker: number): readonly Letter[] {
    const nowMs = this.#options.clock.nowMs();
    const ran: Letter[] = [];
    this.#isAlive[worker] = 0;
    for (const slot of this.#slotsOf(worker)) {
      const letter = this.#letters[slot];
      if (letter === undefined) this.#idle.remove(slot);
      else {
        this.attempts.lost += 1;
        this.#ledger.waste(slot, nowMs);
        this.#free(slot);
        ran.push(letter);
      }
      this.#ledger.leave(slot, nowMs);
    }
    return ran;
  }

  /** A new worker, of another name, in the dead one's place. */
  #return(worker: number): void {
    const base = this.#statuses[worker]!.name.split('.')[0]!;
    this.#lives[worker] = this.#lives[worker]! + 1;
    this.come(worker, `${base}.${this.#lives[worker]}`);
    this.#foreseeDeath(worker);
  }

  /** A worker is there from now on, by this name. */
  come(worker: number, name: string): void {
    const { clock, onBeats } = this.#options;
    const { slots } = this.#statuses[worker]!;
    const kind = this.#kinds[this.#kindOf[this.#firstSlot[worker]!]!]!;
    const status = statusOf(name, kind, slots);
    this.#statuses[worker] = status;
    this.#isAlive[worker] = 1;
    this.#isResting[worker] = 0;
    onBeats([status]);
    for (const slot of this.#slotsOf(worker)) {
      this.#ledger.join(slot, clock.nowMs());
      this.#pull(slot);
    }
  }
}
