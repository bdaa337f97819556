// The bus's port: who does what. Adapters: memory (one process) and NATS JetStream. The bus may lose
// or repeat anything at any time: the store, not the bus, says what is done.

import type { FailureJson } from '../errors.ts';
import type { Digest, JobId, ResultRecord, Stage, Task, TaskId } from '../task.ts';

/** A task on its way to a worker. */
export interface TaskMessage {
  readonly task: Task;
  /** An artifact that lists what the task reads, where that is too much for a message: then the task's inputs are empty here. */
  readonly inputsArtifact?: Digest;
  /** From 1. */
  readonly attempt: number;
  /** Workers that failed this task and shall hand it back. */
  readonly excludedWorkers: readonly string[];
  /** Memory that it is known to need; a worker with less hands it back. */
  readonly memoryBytes?: number | undefined;
  /** A second message of the task, beside the first: a worker is too slow. */
  readonly isCopy?: true;
  /** The result is wanted for a short while: who makes it may keep it, and give it to those that read it, past the store. */
  readonly mayHold?: true;
  /** Of what the task reads, results that workers hold, by task. @default none */
  readonly held?: Readonly<Record<TaskId, HeldResult>>;
}

/** A result that its maker has, a tensor of float32 each output, named by a digest of its frames' digests. Most are in no store. */
export type HeldResult = Pick<ResultRecord, 'worker' | 'outputs'>;

/** A worker's right to one message for a while. One ack or nak ends it; what comes after has no effect. */
export interface Delivery {
  readonly message: TaskMessage;
  /** Done, or failed and reported: never deliver it again. Holds even when the lease has lapsed. */
  ack(): Promise<void>;
  /** As `ack`, and resolves when the bus has let go of it: a message of the same task that is published from then on is taken. */
  ackConfirmed(): Promise<void>;
  /** Hand it back: deliver it again, to anyone, after `delayMs`. Without effect once the lease has lapsed. */
  nak(delayMs: number): Promise<void>;
  /**
   * Extends the lease: still at it. Call at least every third of the ack wait.
   * @throws aborted — the lease is lost, as far as the bus can tell; going on does no harm
   */
  working(): Promise<void>;
  /** Aborts when the task is cancelled. */
  readonly signal: AbortSignal;
}

/** What is told of a result: its record is in the store, and may be as long as the job. */
export type ResultFacts = Pick<
  ResultRecord,
  'stage' | 'worker' | 'attempt' | 'seconds' | 'busySeconds'
>;

export function resultFacts(record: ResultRecord): ResultFacts {
  const { stage, worker, attempt, seconds, busySeconds } = record;
  return { stage, worker, attempt, seconds, busySeconds };
}

/** Of a failed attempt whose message could not be read. */
export const UNKNOWN_ATTEMPT = 0;

/** What workers tell the coordinator. At least once, in order per worker and task. */
export type WorkerEvent =
  | {
      readonly kind: 'started';
      readonly taskId: TaskId;
      readonly worker: string;
      readonly attempt: number;
      /** Which of the worker's slots, from 0. */
      readonly slot: number;
      readonly stage: Stage;
      /** It goes on from a checkpoint after so many steps. */
      readonly doneSteps?: number;
    }
  | {
      readonly kind: 'progress';
      readonly taskId: TaskId;
      readonly worker: string;
      readonly step: number;
      readonly steps: number;
    }
  | {
      readonly kind: 'committed';
      readonly taskId: TaskId;
      readonly worker: string;
      readonly attempt: number;
      readonly result: ResultFacts;
      /** The outputs as the worker keeps them. Without `storingSeconds` the store has nothing of the result. */
      readonly held?: ResultRecord['outputs'];
      /** Seconds of the result's that storing its outputs took. */
      readonly storingSeconds?: number;
    }
  | {
      /** It made other bytes than the result that was there first: a defect to look at. */
      readonly kind: 'diverged';
      readonly taskId: TaskId;
      readonly worker: string;
      readonly otherWorker: string;
      readonly stage: Stage;
    }
  | {
      readonly kind: 'failed';
      readonly taskId: TaskId;
      readonly worker: string;
      readonly attempt: number;
      readonly failure: FailureJson;
    };

/** Sent to everyone who listens: stop these tasks, if you run them. */
export interface CancelMessage {
  readonly taskIds: readonly TaskId[];
  readonly jobId: JobId;
}

export interface CoordinatorBus {
  /**
   * Puts a message on the queue of one placement key. Resolves when the bus has it. Where a message of this task is on its
   * way there already, that one stays, and this one is left out. A copy counts by itself.
   * @throws resource-exhausted — the queue is at its limit
   * @throws failed-precondition — the bus takes no message of this size, however often it is published
   * @throws unavailable — the bus is closed or cannot be reached
   */
  publish(queue: string, message: TaskMessage): Promise<void>;
  /** Messages published and not yet ended (waiting and leased). A server may count one that was published just now a moment later. */
  depth(queue: string): Promise<number>;
  /**
   * Whether a message of this task that is no copy is on its way: waiting, or leased. What was published and is neither here nor in the
   * store was lost with the bus, and is to be published again.
   * @throws unavailable — the bus cannot say now
   */
  holds(queue: string, taskId: TaskId): Promise<boolean>;
  /**
   * Every event from workers from this call on, until the signal aborts or the loop is left; then the iteration ends
   * without an error and without what is not read yet.
   */
  events(signal: AbortSignal): AsyncIterable<WorkerEvent>;
  /** Withdraws the messages of these tasks that no worker has, and aborts the signals of those that one has. */
  cancel(message: CancelMessage): Promise<void>;
}

export interface WorkerBus {
  /**
   * The next message of the first of these queues that has one, or undefined once `waitMs` is over or the signal aborts.
   */
  pull(queues: readonly string[], options: PullOptions): Promise<Delivery | undefined>;
  /** Waits where the coordinator does not keep up. */
  report(event: WorkerEvent): Promise<void>;
}

export interface PullOptions {
  readonly worker: string;
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

export interface Bus extends CoordinatorBus, WorkerBus {
  /** Ends every wait: pulls give undefined, iterations end. */
  close(): Promise<void>;
}
