// Which models other workers have loaded, from what they say of themselves on the bus, and so how long a task is worth leaving to them.

import type { TaskMessage } from '../../common/bus/ports.ts';
import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { Digest, Task } from '../../common/task.ts';
import { WORKER_SILENT_MS } from '../../common/worker-status.ts';
import type { LoadedModels, WorkerStatus } from '../../common/worker-status.ts';

export interface WarmPeersOptions {
  /** Of this worker. */
  readonly name: string;
  /** What it has loaded itself, now. */
  readonly loaded: () => LoadedModels;
  readonly nowMs: () => number;
}

interface Peer {
  readonly status: WorkerStatus;
  readonly atMs: number;
}

export class WarmPeers {
  readonly #options: WarmPeersOptions;
  readonly #peers = new Map<string, Peer>();

  constructor(options: WarmPeersOptions) {
    this.#options = options;
  }

  note(status: WorkerStatus): void {
    const { name, leaving, draining } = status;
    if (name === this.#options.name) return;
    if (leaving || draining) this.#peers.delete(name);
    else this.#peers.set(name, { status, atMs: this.#options.nowMs() });
  }

  /**
   * Milliseconds that loading takes here and would not take at a worker that has all of the task's models that are loaded here, and more;
   * 0 if there is none, or if it is busy and this worker has nothing loaded that would have to make room.
   */
  costOfLoading(message: TaskMessage): number {
    const { loaded, nowMs } = this.#options;
    const own = loaded();
    const hasNothing = Object.keys(own).length === 0;
    let costMs = 0;
    for (const [name, { status, atMs }] of this.#peers) {
      if (nowMs() - atMs > WORKER_SILENT_MS) this.#peers.delete(name);
      else if (mayTake(status, message) && !(hasNothing && isBusy(status)))
        costMs = Math.max(costMs, msSaved(message.task, { own, theirs: status.loaded ?? {} }));
    }
    return costMs;
  }
}

function mayTake(status: WorkerStatus, message: TaskMessage): boolean {
  const { pool, numerics } = STAGE_FACTS[message.task.stage];
  return (
    (pool === 'any' || status.pools.includes(pool)) &&
    status.numerics[numerics] === message.task.numericsClass &&
    status.memoryBytes >= (message.memoryBytes ?? 0) &&
    !message.excludedWorkers.includes(status.name)
  );
}

function isBusy({ running, slots }: WorkerStatus): boolean {
  return running.length >= slots;
}

/** What loading took there of the models that are loaded there and not here. */
function msSaved(
  { models }: Task,
  { own, theirs }: { readonly own: LoadedModels; readonly theirs: LoadedModels },
): number {
  let savedMs = 0;
  for (const digest of new Set<Digest>(Object.values(models))) {
    if (own[digest] !== undefined && theirs[digest] === undefined) return 0;
    if (own[digest] === undefined) savedMs += theirs[digest] ?? 0;
  }
  return savedMs;
}
