// One lane, seen from the main thread: a worker thread that is started, given one job at a time, and closed. Knows
// nothing of queues or of other lanes.

import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';

import '../onnx/no-telemetry.ts';
import { BivdiffError } from '../../../common/errors.ts';
import type { ErrorCode } from '../../../common/errors.ts';
import type { Digest } from '../../../common/task.ts';
import { tensorsToMove } from './lane-job.ts';
import type { Checkpoint } from '../ports.ts';
import type { FromLane, LaneJob, LaneLoad, LaneResult, LaneSettings, ToLane } from './lane-job.ts';

export interface LaneRunOptions {
  readonly onProgress?: (step: number, steps: number) => void;
  /** Before the promise settles, also where the job was cancelled. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void;
  readonly signal?: AbortSignal;
}

interface Running {
  readonly stage: string;
  readonly cancelled: SharedArrayBuffer;
  readonly hears: Pick<LaneRunOptions, 'onProgress' | 'onCheckpoint'>;
  readonly settle: (outcome: LaneResult | BivdiffError) => void;
}

/** How long a lane without a job may take to end on its own, before its thread is ended. */
const CLOSE_GRACE_MS = 5_000;
/**
 * The same of a lane that has a job, which ends within one run of a graph. Ending a thread inside ONNX Runtime aborts the process: it throws
 * where nobody catches, as it cannot hand over its result. So this is for bodies that hang, and longer than any run.
 */
const CLOSE_JOB_GRACE_MS = 600_000;
const NOTHING: LaneLoad = { warm: {}, loadedBytes: 0 };

export class Lane {
  /** After the last job, or what was dropped since. */
  load: LaneLoad = NOTHING;
  /** Whether its thread is gone; such a lane takes no job. */
  hasExited = false;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #running: Running | undefined;
  #crash: unknown;
  #isClosing = false;
  readonly #closeGraceMs: number;

  constructor(entry: URL, settings: LaneSettings, closeGraceMs = CLOSE_GRACE_MS) {
    this.#closeGraceMs = closeGraceMs;
    this.#worker = new Worker(entry, { workerData: settings, name: 'bivdiff-lane' });
    // The pool's life is its owner's: an idle lane alone does not keep the process.
    this.#worker.unref();
    this.#worker.on('message', (message: FromLane) => this.#receive(message));
    this.#worker.on('error', (reason) => {
      this.#crash = reason;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (exitCode) => {
        this.#exit(exitCode);
        resolve();
      });
    });
  }

  /** Whether it can take a job now. */
  get isFree(): boolean {
    return this.#running === undefined && !this.hasExited;
  }

  /**
   * Runs one job. Moves the job's tensors into the lane: the caller's are empty afterwards, unless in shared memory.
   * @throws cancelled — the signal aborted; within one run of a graph
   * @throws internal — the lane's thread ended under the job; another worker may try
   */
  async run(job: LaneJob, options: LaneRunOptions): Promise<LaneResult> {
    assert(this.isFree, 'a lane runs one job at a time');
    const cancelled = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const cancel = (): void => {
      Atomics.store(new Int32Array(cancelled), 0, 1);
    };
    const { tensors, transfer } = tensorsToMove(job.tensors);
    options.signal?.addEventListener('abort', cancel, { once: true });
    if (options.signal?.aborted === true) cancel();
    this.#worker.ref();
    try {
      const outcome = await new Promise<LaneResult | BivdiffError>((settle) => {
        const { stage } = job;
        this.#running = { stage, cancelled, hears: options, settle };
        this.#send({ kind: 'run', job: { ...job, tensors }, cancelled }, transfer);
      });
      if (outcome instanceof BivdiffError) throw outcome;
      return outcome;
    } finally {
      this.#running = undefined;
      this.#worker.unref();
      options.signal?.removeEventListener('abort', cancel);
    }
  }

  /** Releases the models, after the job that runs. */
  drop(digests: readonly Digest[]): void {
    if (!this.hasExited) this.#send({ kind: 'drop', digests });
  }

  /** Cancels what runs, releases the sessions and ends the thread. Idempotent. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#running !== undefined) {
      Atomics.store(new Int32Array(this.#running.cancelled), 0, 1);
    }
    if (!this.hasExited) this.#send({ kind: 'close' });
    const graceMs = this.#running === undefined ? this.#closeGraceMs : CLOSE_JOB_GRACE_MS;
    const grace = setTimeout(() => void this.#worker.terminate(), graceMs);
    this.#worker.ref();
    await this.#exited;
    clearTimeout(grace);
  }

  #send(message: ToLane, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, [...transfer]);
  }

  #receive(message: FromLane): void {
    if (message.kind === 'progress') {
      this.#running?.hears.onProgress?.(message.step, message.steps);
      return;
    }
    if (message.kind === 'checkpoint') {
      this.#running?.hears.onCheckpoint?.(message.checkpoint);
      return;
    }
    this.load = message.load;
    if (message.kind === 'dropped') return;
    const outcome =
      message.kind === 'done' ? message.result : BivdiffError.fromJSON(message.failure);
    this.#running?.settle(outcome);
  }

  #exit(exitCode: number): void {
    this.hasExited = true;
    this.load = NOTHING;
    if (this.#running === undefined) return;
    const { stage, settle } = this.#running;
    if (this.#isClosing) {
      settle(new BivdiffError('cancelled', `${stage} was cancelled: its lane was closed`));
      return;
    }
    const { message, stack } = this.#crash instanceof Error ? this.#crash : {};
    const said = message ?? `exit ${String(exitCode)}`;
    settle(
      new BivdiffError(codeOfCrash(this.#crash), `the lane that ran ${stage} crashed: ${said}`, {
        retry: 'other-worker',
        hint: 'It was replaced. If this repeats, run with fewer lanes, and see `bivdiff doctor`.',
        details: { stage, exitCode, ...(stack === undefined ? {} : { stack }) },
      }),
    );
  }
}

function codeOfCrash(crash: unknown): ErrorCode {
  const code = crash instanceof Error && 'code' in crash ? crash.code : undefined;
  return code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'resource-exhausted' : 'internal';
}
