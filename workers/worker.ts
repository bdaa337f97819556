// A worker: pulls tasks, runs them, commits their results, reports. Knows nothing of plans or jobs.

import { setImmediate as nextTurn } from 'node:timers/promises';

import { resultFacts } from '../common/bus/ports.ts';
import type { Delivery, TaskMessage, WorkerBus } from '../common/bus/ports.ts';
import { wholeTask } from '../common/bus/task-inputs.ts';
import { BivdiffError } from '../common/errors.ts';
import { passFailurePoint } from '../common/failure-points/failure-point.ts';
import { queueOfStage } from '../common/placement.ts';
import type { WindowStep } from '../common/stages.ts';
import type { Store } from '../common/store/ports.ts';
import type { ResultRecord, Stage, Task, TaskId } from '../common/task.ts';
import { startHeartbeat } from './heartbeat.ts';
import { QueueRests } from './queue-rests.ts';
import { Rest } from './rest.ts';
import { Slots } from './slots.ts';
import type { Turn } from './slots.ts';
import type { RunTaskOptions, StageOutcome } from './stages/stage-environment.ts';

/** How soon a task that this worker shall not take is offered again. */
const HAND_BACK_DELAY_MS = 100;
/**
 * How soon a task is offered again that is left to a worker that has its models loaded, as a share of what loading takes, and in bounds: so
 * that few messages go round, and one that gets idle does not wait long.
 */
const LEFT_TO_WARM = { share: 0.25, minMs: 100, maxMs: 2_000 };

export interface WorkerOptions {
  readonly name: string;
  readonly bus: WorkerBus;
  readonly store: Store;
  /** Runs a task to its stored outputs. */
  readonly runTask: (task: Task, run: RunTaskOptions) => Promise<StageOutcome>;
  /** Tasks at once. */
  readonly slots: number;
  /** What the models of one task may fill of the device. @default whatever they need */
  readonly memoryBytes?: number;
  /**
   * Milliseconds that loading a task's models takes here, and would not take elsewhere. A task is left to others until a slot has been idle
   * for that long. @default 0
   */
  readonly costOfLoading?: (message: TaskMessage) => Promise<number>;
  /** Where to pull from, preferred first. */
  readonly queues: readonly string[];
  /** The bus's ack wait; a third of it is the heartbeat. */
  readonly ackWaitMs: number;
  /** Once it aborts, nothing more is begun; what runs goes on. @default the signal */
  readonly drain?: AbortSignal;
  /** While it rests it takes nothing. @default it never does */
  readonly rest?: Rest;
  /**
   * Has the next task at hand, with what it reads, when a slot becomes free, and stores results while the next runs.
   * @default false
   */
  readonly takesAhead?: boolean;
  /** Kept up to date, for whoever tells others. */
  readonly tally?: WorkerTally;
  /** Told of each task that it had, once it is over here. */
  readonly onSettled?: (stage: Stage, settled: SettledTask) => void;
  /** Told when the bus does not extend a lease: it may have given the task to another. */
  readonly onLeaseLost?: () => void;
}

/**
 * - `committed`: it made the result, in so many seconds
 * - `reused`: the result was there
 * - `failed`: the attempt failed
 * - `stopped`: the task was cancelled, or handed back
 */
export interface SettledTask {
  readonly outcome: 'committed' | 'reused' | 'failed' | 'stopped';
  readonly seconds?: number;
}

/** What a worker runs now, and has done. */
export interface WorkerTally {
  readonly running: Set<TaskId>;
  committed: number;
}

/**
 * Works until it is drained, or the signal aborts and what was begun has stopped; that is handed back to the bus.
 */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { takesAhead = false } = options;
  const slots = new Slots(options.slots, { takesAhead });
  // Ahead: one task in each slot; and two at hand for it, or whose results are on their way.
  const hands = takesAhead ? 3 * options.slots : options.slots;
  const queues = new QueueRests(options.queues);
  await Promise.all(
    Array.from({ length: hands }, () => runHand({ options, slots, queues }, signal)),
  );
}

interface Hand {
  readonly options: WorkerOptions;
  readonly slots: Slots;
  readonly queues: QueueRests;
}

async function runHand({ options, slots, queues }: Hand, signal: AbortSignal): Promise<void> {
  const { bus, name, drain = signal } = options;
  const { rest = new Rest() } = options;
  const ending = AbortSignal.any([signal, drain]);
  for (;;) {
    await rest.over(ending);
    const turn = await slots.take(ending);
    if (turn === undefined) return;
    try {
      const { asked, waitMs } = queues.now(performance.now());
      const waiting = AbortSignal.any([ending, rest.signal]);
      const delivery = await bus.pull(asked, { worker: name, waitMs, signal: waiting });
      if (delivery === undefined) continue;
      const { message } = delivery;
      if (isForOthers(message, options)) {
        const { stage, numericsClass } = message.task;
        queues.rest(queueOfStage(stage, numericsClass), performance.now());
        await delivery.nak(HAND_BACK_DELAY_MS);
        continue;
      }
      const costMs = (await options.costOfLoading?.(message)) ?? 0;
      // It was on its way when the rest began.
      if (rest.isResting) await delivery.nak(0);
      // What comes next in this queue may be for models that are loaded here.
      else if (slots.idleMs < costMs) await delivery.nak(leftToWarmMs(costMs));
      else await runDelivery(options, { delivery, turn, stop: signal, ending });
    } finally {
      turn.leave();
    }
  }
}

function isForOthers(message: TaskMessage, options: WorkerOptions): boolean {
  const { name, memoryBytes = Infinity } = options;
  const isTooLarge = (message.memoryBytes ?? 0) > memoryBytes;
  return isTooLarge || message.excludedWorkers.includes(name);
}

function leftToWarmMs(costMs: number): number {
  const { share, minMs, maxMs } = LEFT_TO_WARM;
  return Math.min(maxMs, Math.max(minMs, share * costMs));
}

interface RunDelivery {
  readonly delivery: Delivery;
  readonly turn: Turn;
  /** This worker ends. */
  readonly stop: AbortSignal;
  /** Nothing more is begun. */
  readonly ending: AbortSignal;
}

async function runDelivery(options: WorkerOptions, run: RunDelivery): Promise<void> {
  const { bus, name, tally } = options;
  const { delivery, stop } = run;
  const { task, attempt } = delivery.message;
  const facts = { taskId: task.id, worker: name, attempt };
  const heartbeat = startHeartbeat(delivery, options);
  tally?.running.add(task.id);
  const attempted: Attempt = { hasBegun: false };
  let isHandedBack = false;
  let settled: SettledTask = { outcome: 'reused' };
  try {
    // Delivered twice, or made for another job: then it is there already. What may be held is not.
    const isShort = delivery.message.mayHold === true;
    const there = isShort
      ? undefined
      : await options.store.getRecord(task.id, { checkArtifacts: true });
    const committed = there ? { record: there } : await commitTask(options, run, attempted);
    const { record, ...told } = committed;
    if (there === undefined) {
      if (tally !== undefined) tally.committed += 1;
      settled = { outcome: 'committed', seconds: record.seconds };
    }
    await bus.report({ kind: 'committed', ...facts, result: resultFacts(record), ...told });
    passFailurePoint('result-told', task.stage);
  } catch (reason) {
    const isCancelled = delivery.signal.aborted;
    // This worker ends, or took it too early; nobody has cancelled the task.
    isHandedBack = !isCancelled && (stop.aborted || (!attempted.hasBegun && run.ending.aborted));
    settled = { outcome: isCancelled || isHandedBack ? 'stopped' : 'failed' };
    const error =
      isCancelled || isHandedBack
        ? new BivdiffError('cancelled', `${task.stage} was stopped`, { cause: reason })
        : BivdiffError.from(reason, task.stage);
    // It is published again as soon as that is heard: by then its message must be gone.
    if (!isCancelled && !isHandedBack) await delivery.ackConfirmed();
    if (attempted.hasBegun || !isHandedBack) {
      await bus.report({ kind: 'failed', ...facts, failure: error.toJSON() });
    }
  } finally {
    heartbeat.stop();
    tally?.running.delete(task.id);
    options.onSettled?.(task.stage, settled);
    await (isHandedBack ? delivery.nak(0) : delivery.ack());
  }
}

interface Attempt {
  /** It was in a slot. */
  hasBegun: boolean;
}

interface Committed {
  readonly record: ResultRecord;
  readonly held?: ResultRecord['outputs'];
  readonly storingSeconds?: number;
}

/** Artifacts, then the record; the ack comes after both. */
async function commitTask(
  options: WorkerOptions,
  { delivery, turn, stop, ending }: RunDelivery,
  attempted: Attempt,
): Promise<Committed> {
  const { bus, store, name } = options;
  const { attempt, mayHold, held: heldInputs } = delivery.message;
  const task = await wholeTask(store, delivery.message);
  const { id: taskId, stage } = task;
  const signal = AbortSignal.any([stop, delivery.signal]);
  let startedAt = new Date();
  // The wall clock may be set meanwhile.
  const begunMs = performance.now();
  let waitedMs = 0;
  const outcome = await options.runTask(task, {
    signal,
    ...(mayHold && { mayHold }),
    ...(heldInputs && { held: heldInputs }),
    onDevice: async (work, doneSteps) => {
      const askedMs = performance.now();
      const slot = await turn.enter(stage, AbortSignal.any([signal, ending]));
      waitedMs = performance.now() - askedMs;
      attempted.hasBegun = true;
      // What was taken ahead has waited for its slot since.
      startedAt = new Date();
      const facts = { taskId, worker: name, attempt, slot, stage };
      await bus.report({ kind: 'started', ...facts, ...(doneSteps && { doneSteps }) });
      const made = await work();
      turn.leave();
      // What waits for the slot begins before this thread turns to the result.
      await nextTurn();
      return made;
    },
    onProgress: (step, steps) => {
      // Progress is a courtesy: a lost report harms nobody.
      bus.report({ kind: 'progress', taskId, worker: name, step, steps }).catch(() => undefined);
    },
  });
  passFailurePoint('artifacts-put', stage);
  const record: ResultRecord = {
    taskId,
    stage,
    outputs: outcome.outputs,
    worker: name,
    numericsClass: task.numericsClass,
    attempt,
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - begunMs - waitedMs) / 1000,
    busySeconds: outcome.busySeconds,
    ...stepOf(task),
  };
  const { held, storingSeconds } = outcome;
  if (held !== undefined && storingSeconds === undefined) return { record, held };
  const put = await store.putRecord(record);
  passFailurePoint('record-put', stage);
  await outcome.committed?.();
  const kept = held && { held };
  if (put.kind === 'created') return { record, ...kept, ...(storingSeconds && { storingSeconds }) };
  if (outputDigests(put.record) !== outputDigests(record)) {
    const otherWorker = put.record.worker;
    await bus.report({ kind: 'diverged', taskId, stage, worker: name, otherWorker });
  }
  return { record: put.record };
}

interface WindowedParams {
  readonly windows: WindowStep;
}

function stepOf({ params }: Task): Pick<ResultRecord, 'step'> {
  return 'windows' in params ? { step: (params as unknown as WindowedParams).windows.step } : {};
}

function outputDigests(record: ResultRecord): string {
  const outputs = Object.entries(record.outputs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(outputs.map(([name, refs]) => [name, refs.map((ref) => ref.digest)]));
}
