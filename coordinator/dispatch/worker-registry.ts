// Who works: what each worker said last, whether that was recent, and how it does. Lost with the coordinator; who is there is known
// again within one beat.

import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { numericsKeyOf, STAGE_FACTS } from '../../common/stage-facts.ts';
import type { Pool, Stage, TaskId } from '../../common/task.ts';
import { WORKER_BEAT_MS, WORKER_SILENT_MS } from '../../common/worker-status.ts';
import type { LoadingQuestion, ServedAt, WorkerStatus } from '../../common/worker-status.ts';
import { DEFAULT_FAILURE_POLICY } from '../domain/failure-policy.ts';
import type { FailurePolicy } from '../domain/failure-policy.ts';
import { SetAsideWorkers } from '../domain/set-aside-workers.ts';
import type { FailedAttempt } from '../domain/set-aside-workers.ts';
import type { Clock, Workforce } from '../ports.ts';
import type { HeardWorker } from '../scaling/worker-pods.ts';
import { costOfLoading } from './warm-workers.ts';

const NOBODY: ReadonlySet<string> = new Set();

interface Heard {
  readonly status: WorkerStatus;
  readonly atMs: number;
}

/** What else is known of a worker besides what it says. */
export interface WorkerStanding {
  /** The stages that it is set aside for now. */
  readonly setAside: readonly Stage[];
  /** Two processes have had its name at once. */
  readonly sharesName: boolean;
}

export interface WorkerRegistryOptions {
  /** @default DEFAULT_FAILURE_POLICY */
  readonly policy?: FailurePolicy;
  /** Told once of each worker that speaks another protocol: it gets no work. */
  readonly onOtherProtocol?: (status: WorkerStatus) => void;
  /** Told once of each name that two workers have: what one of them fails or runs would be taken for the other's. */
  readonly onSharedName?: (one: WorkerStatus, other: WorkerStatus) => void;
  /** Told whenever a worker is set aside for a stage. */
  readonly onSetAside?: (worker: string, stage: Stage) => void;
}

export class WorkerRegistry implements Workforce {
  readonly #clock: Clock;
  readonly #options: WorkerRegistryOptions;
  readonly #setAsideWorkers: SetAsideWorkers;
  readonly #workers = new Map<string, Heard>();
  /** By class; undefined: of all. Kept as sums and sets: they are asked for at every event of a farm of thousands. */
  readonly #slots = new Map<string | undefined, Map<Pool, number>>();
  readonly #names = new Map<string, Set<string>>();
  /** Processes that had a name before the one that has it now. */
  readonly #before = new Map<string, WorkerStatus>();
  readonly #sharedNames = new Set<string>();
  #sweptMs = 0;

  constructor(clock: Clock, options: WorkerRegistryOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#setAsideWorkers = new SetAsideWorkers(options.policy ?? DEFAULT_FAILURE_POLICY);
  }

  /** Takes in a beat. */
  note(status: WorkerStatus): void {
    const known = this.#workers.get(status.name)?.status;
    // Nearly all beats say the same.
    const isSame = known !== undefined && !status.leaving && countsAlike(known, status);
    if (!isSame) this.#drop(status.name);
    if (status.leaving) return;
    if (known !== undefined && !isSameProcess(known, status)) this.#noteSuccessor(known, status);
    this.#workers.set(status.name, { status, atMs: this.#clock.nowMs() });
    if (!isSame) this.#count(status, 1);
    if (known === undefined && !speaksOurs(status)) this.#options.onOtherProtocol?.(status);
  }

  /** Those heard of lately, by name; also those that get no work. */
  get alive(): readonly WorkerStatus[] {
    this.#sweep(0);
    return [...this.#workers.values()]
      .map(({ status }) => status)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The same with when each was heard of last, by this registry's clock. */
  get heard(): ReadonlyMap<string, HeardWorker> {
    this.#sweep(0);
    return new Map(
      [...this.#workers].map(([name, { status, atMs }]) => [name, { status, heardMs: atMs }]),
    );
  }

  /** Tasks that the workers of a pool can run at once; `any`: all workers. With a class: those whose inference is of it. */
  slotsOf(pool: Pool, numericsKey?: string): number {
    this.#sweep(WORKER_BEAT_MS / 2);
    return this.#slots.get(numericsKey)?.get(pool) ?? 0;
  }

  workersOf(pool: Pool, numericsKey?: string, memoryBytes = 0): ReadonlySet<string> {
    this.#sweep(WORKER_BEAT_MS / 2);
    const names = this.#names.get(keyOf(pool, numericsKey)) ?? NOBODY;
    if (memoryBytes === 0) return names;
    return new Set([...names].filter((name) => this.memoryOf(name)! >= memoryBytes));
  }

  memoryOf(worker: string): number | undefined {
    return this.#workers.get(worker)?.status.memoryBytes;
  }

  /** The most that a worker of the pool has for a task; undefined where none is there. */
  mostMemoryOf(pool: Pool, numericsKey: string): number | undefined {
    const most = Math.max(
      ...[...this.workersOf(pool, numericsKey)].map((name) => this.memoryOf(name)!),
    );
    return most === -Infinity ? undefined : most;
  }

  idleOf(pool: Pool, numericsKey: string): ReadonlySet<string> {
    const idle = new Set<string>();
    for (const name of this.workersOf(pool, numericsKey)) {
      const { running, slots } = this.#workers.get(name)!.status;
      if (running.length < slots) idle.add(name);
    }
    return idle;
  }

  /** Where one serves what it made; undefined of one that serves nothing or is away. */
  servedAt(worker: string): ServedAt | undefined {
    this.#sweep(WORKER_BEAT_MS / 2);
    const { address, host } = this.#workers.get(worker)?.status ?? {};
    return address === undefined || host === undefined ? undefined : { address, host };
  }

  /** As `costOfLoading`, among those heard of lately that get work. */
  costOfLoading(question: LoadingQuestion): number {
    const names = this.workersOf(STAGE_FACTS[question.stage].pool);
    return costOfLoading(
      question,
      [...names].map((name) => this.#workers.get(name)!.status),
    );
  }

  /** Tasks that those heard of lately say they run. */
  get running(): ReadonlySet<TaskId> {
    this.#sweep(0);
    const running = new Set<TaskId>();
    for (const { status } of this.#workers.values()) {
      for (const taskId of status.running) running.add(taskId);
    }
    return running;
  }

  /** A worker has committed a task of this stage. */
  succeeded(worker: string, stage: Stage): void {
    this.#setAsideWorkers.succeeded(worker, stage, this.#clock.nowMs());
  }

  /** A worker has failed a task; true if it is set aside for that. */
  failed(failed: FailedAttempt): boolean {
    const isSetAside = this.#setAsideWorkers.failed(failed, this.#clock.nowMs());
    if (isSetAside) this.#options.onSetAside?.(failed.worker, failed.stage);
    return isSetAside;
  }

  setAside(stage: Stage): readonly string[] {
    return this.#setAsideWorkers.setAside(stage, this.#clock.nowMs());
  }

  standingOf(worker: string): WorkerStanding {
    const setAside = this.#setAsideWorkers.stagesWithout(worker, this.#clock.nowMs());
    return { setAside, sharesName: this.#sharedNames.has(worker) };
  }

  /** One that is started anew has its old name. Where the old one speaks after the new one, there are two. */
  #noteSuccessor(known: WorkerStatus, status: WorkerStatus): void {
    const { name } = status;
    const before = this.#before.get(name);
    this.#before.set(name, known);
    const isBack = before !== undefined && isSameProcess(before, status);
    if (!isBack || this.#sharedNames.has(name)) return;
    this.#sharedNames.add(name);
    this.#options.onSharedName?.(known, status);
  }

  /** Forgets those that were silent for too long; looks at most so often. */
  #sweep(everyMs: number): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sweptMs < everyMs) return;
    this.#sweptMs = nowMs;
    const oldest = nowMs - WORKER_SILENT_MS;
    for (const [name, { atMs }] of this.#workers) {
      if (atMs >= oldest) continue;
      this.#drop(name);
      this.#before.delete(name);
    }
  }

  #drop(name: string): void {
    const heard = this.#workers.get(name);
    if (heard === undefined) return;
    this.#workers.delete(name);
    this.#count(heard.status, -1);
  }

  /** What gets no work is not counted: it would be published for nobody. */
  #count(status: WorkerStatus, sign: 1 | -1): void {
    if (status.draining || !speaksOurs(status)) return;
    for (const pool of new Set<Pool>([...status.pools, 'any'])) {
      for (const numericsKey of [undefined, numericsKeyOf(status.numerics)]) {
        const key = keyOf(pool, numericsKey);
        const slots = this.#slots.get(numericsKey) ?? new Map<Pool, number>();
        this.#slots.set(numericsKey, slots);
        slots.set(pool, (slots.get(pool) ?? 0) + sign * status.slots);
        const names = this.#names.get(key) ?? new Set();
        if (sign === 1) names.add(status.name);
        else names.delete(status.name);
        if (names.size > 0) this.#names.set(key, names);
        else this.#names.delete(key);
      }
    }
  }
}

function keyOf(pool: Pool, numericsKey?: string): string {
  return numericsKey === undefined ? pool : `${pool} ${numericsKey}`;
}

/** Whether it is of our version, as far as messages go. */
function speaksOurs({ protocol }: Pick<WorkerStatus, 'protocol'>): boolean {
  return protocol === PROTOCOL_VERSION;
}

function isSameProcess(one: WorkerStatus, other: WorkerStatus): boolean {
  return one.pid === other.pid && one.host === other.host;
}

function countsAlike(one: WorkerStatus, other: WorkerStatus): boolean {
  return (
    one.protocol === other.protocol &&
    one.slots === other.slots &&
    numericsKeyOf(one.numerics) === numericsKeyOf(other.numerics) &&
    one.draining === other.draining &&
    one.pools.join() === other.pools.join()
  );
}
