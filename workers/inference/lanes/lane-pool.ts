// Lanes side by side: takes jobs from the main thread, gives each to a free lane, preferably one that has its models
// loaded, and replaces lanes that crash. The main thread only dispatches: nothing here blocks it.

import { BivdiffError } from '../../../common/errors.ts';
import type { Digest } from '../../../common/task.ts';
import type { LoadedModels } from '../../../common/worker-status.ts';
import type { LaneJob, LaneLoad, LaneResult, LaneSettings } from './lane-job.ts';
import { Lane } from './lane.ts';
import type { LaneRunOptions } from './lane.ts';

export interface LanePoolOptions {
  /** Jobs at one time. lanes x threadsPerLane beyond the number of cores only costs. */
  readonly lanes: number;
  readonly threadsPerLane: number;
  /** What models and their runs may fill in all lanes together; each lane has an equal share. */
  readonly memoryLimitBytes: number;
  /** As ONNX Runtime names them, tried in order. @default ['cpu'] */
  readonly executionProviders?: readonly string[];
  /** Jobs that may wait for a lane. @default four a lane */
  readonly queueMax?: number;
  /** How long an idle lane may take to end when the pool is closed. @default 5 s */
  readonly closeGraceMs?: number;
  /** The file that a lane's thread starts with; it calls serveLane. */
  readonly entry: URL;
}

export interface LanePoolStats {
  readonly lanes: number;
  readonly busy: number;
  readonly queued: number;
  /** Lanes started again after a crash. */
  readonly replaced: number;
  /** Each lane's loaded models, after its last job. */
  readonly loads: readonly LaneLoad[];
}

export interface LanePool {
  /**
   * Runs a stage's body in a lane. Moves the job's tensors: the caller's are empty afterwards, unless in shared memory.
   * Progress comes in order, and never after the promise has settled.
   * @throws cancelled — the signal aborted or the pool closed; at once while it waits, within one run of a graph later
   * @throws resource-exhausted — too many jobs wait already
   * @throws internal — the lane crashed; another worker may try
   * and whatever the body throws
   */
  run(job: LaneJob, options?: LaneRunOptions): Promise<LaneResult>;
  /**
   * Runs a job without tensors in every lane at once. To be called while no other job runs. Progress is told of each lane.
   * @throws as `run`
   */
  runInEach(job: LaneJob, options?: LaneRunOptions): Promise<void>;
  /** Releases the models in all lanes, each after the job that it runs. A later job that needs one loads it again. */
  drop(digests: readonly Digest[]): void;
  stats(): LanePoolStats;
  /** Cancels all jobs and ends all threads. Idempotent. */
  close(): Promise<void>;
}

export function createLanePool(options: LanePoolOptions): LanePool {
  return new WorkerLanePool(options);
}

/** All that some lane of a pool has loaded. */
export function loadedIn(pool: Pick<LanePool, 'stats'>): LoadedModels {
  return Object.assign({}, ...pool.stats().loads.map(({ warm }) => warm)) as LoadedModels;
}

interface Waiting {
  readonly job: LaneJob;
  /** Starts it in a free lane. */
  readonly start: (lane: Lane) => void;
  readonly fail: (reason: BivdiffError) => void;
}

const QUEUE_PER_LANE = 4;

class WorkerLanePool implements LanePool {
  readonly #entry: URL;
  readonly #settings: LaneSettings;
  readonly #closeGraceMs: number | undefined;
  readonly #queueMax: number;
  readonly #lanes: Lane[];
  readonly #waiting: Waiting[] = [];
  #replaced = 0;
  #closed: Promise<void> | undefined;

  constructor(options: LanePoolOptions) {
    this.#entry = options.entry;
    this.#closeGraceMs = options.closeGraceMs;
    this.#settings = {
      threads: options.threadsPerLane,
      memoryLimitBytes: Math.floor(options.memoryLimitBytes / options.lanes),
      executionProviders: options.executionProviders ?? ['cpu'],
    };
    this.#queueMax = options.queueMax ?? QUEUE_PER_LANE * options.lanes;
    this.#lanes = Array.from({ length: options.lanes }, () => this.#startLane());
  }

  async run(job: LaneJob, options: LaneRunOptions = {}): Promise<LaneResult> {
    if (this.#closed !== undefined) throw cancelledError(job, 'the lanes are closed');
    if (options.signal?.aborted === true) throw cancelledError(job, 'before it began');
    this.#checkQueue(job);
    try {
      return await new Promise((resolve, reject) => {
        const abandon = (): void => {
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          reject(cancelledError(job, 'while it waited for a lane'));
        };
        const leaveQueue = (): void => options.signal?.removeEventListener('abort', abandon);
        const waiting: Waiting = {
          job,
          start: (lane) => {
            leaveQueue();
            resolve(lane.run(job, options));
          },
          fail: (reason) => {
            leaveQueue();
            reject(reason);
          },
        };
        options.signal?.addEventListener('abort', abandon, { once: true });
        this.#waiting.push(waiting);
        this.#dispatch();
      });
    } finally {
      this.#dispatch();
    }
  }

  async runInEach(job: LaneJob, options: LaneRunOptions = {}): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.run(job, options)));
  }

  drop(digests: readonly Digest[]): void {
    for (const lane of this.#lanes) lane.drop(digests);
  }

  stats(): LanePoolStats {
    return {
      lanes: this.#lanes.length,
      busy: this.#lanes.filter(({ isFree, hasExited }) => !isFree && !hasExited).length,
      queued: this.#waiting.length,
      replaced: this.#replaced,
      loads: this.#lanes.map(({ load }) => load),
    };
  }

  async close(): Promise<void> {
    this.#closed ??= this.#closeLanes();
    return this.#closed;
  }

  #startLane(): Lane {
    return new Lane(this.#entry, this.#settings, this.#closeGraceMs);
  }

  #checkQueue(job: LaneJob): void {
    const isFull = this.#waiting.length >= this.#queueMax;
    if (!isFull || this.#lanes.some((lane) => isUsable(lane))) return;
    throw new BivdiffError(
      'resource-exhausted',
      `${String(this.#waiting.length)} jobs wait for a lane already; ${job.stage} was refused`,
      { retry: 'same-worker', hint: 'Give the worker fewer tasks at once, or more lanes.' },
    );
  }

  /** Starts waiting jobs, oldest first, while there is a free lane. */
  #dispatch(): void {
    while (this.#closed === undefined && this.#waiting.length > 0) {
      const index = this.#bestLaneFor(this.#waiting[0]!.job);
      if (index === undefined) return;
      if (this.#lanes[index]!.hasExited) {
        this.#lanes[index] = this.#startLane();
        this.#replaced += 1;
      }
      this.#waiting.shift()!.start(this.#lanes[index]!);
    }
  }

  /** The usable lane that has the most of the job's models loaded; of equals, the one with the least loaded. */
  #bestLaneFor({ models }: LaneJob): number | undefined {
    const wanted = [...new Set(Object.values(models).map(({ digest }) => digest))];
    const warmth = ({ load: { warm } }: Lane): number =>
      wanted.filter((digest) => digest in warm).length;
    const [best] = [...this.#lanes.entries()]
      .filter(([, lane]) => isUsable(lane))
      .sort(([, a], [, b]) => warmth(b) - warmth(a) || a.load.loadedBytes - b.load.loadedBytes);
    return best?.[0];
  }

  async #closeLanes(): Promise<void> {
    for (const { job, fail } of this.#waiting.splice(0)) {
      fail(cancelledError(job, 'the lanes were closed'));
    }
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }
}

/** Free, or gone and so to be started again. */
function isUsable(lane: Lane): boolean {
  return lane.isFree || lane.hasExited;
}

function cancelledError(job: LaneJob, when: string): BivdiffError {
  return new BivdiffError('cancelled', `${job.stage} was cancelled: ${when}`);
}
