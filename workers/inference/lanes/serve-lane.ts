// The inside of a lane: runs stage bodies one at a time, as messages ask, until told to close. It is the only code
// of the product that calls ONNX Runtime's run, and it never runs on a main thread.

import { parentPort, workerData } from 'node:worker_threads';
import assert from 'node:assert/strict';

import { BivdiffError } from '../../../common/errors.ts';
import type { LaneStage } from '../ports.ts';
import { CheckpointClock } from './checkpoint-clock.ts';
import { createStageContext, LaneState } from './lane-context.ts';
import { tensorsToMove } from './lane-job.ts';
import type { FromLane, LaneResult, LaneSettings, ToLane } from './lane-job.ts';

/** By stage. Each takes its own parameters, so none here can be called without a cast. */
export type LaneStages = Readonly<Record<string, LaneStage<never>>>;

/** Turns this worker thread into a lane. Call it once, from the file that the thread was started with. */
export function serveLane(stages: LaneStages): void {
  const port = parentPort;
  assert(port !== null, 'a lane is a worker thread');
  const state = new LaneState(workerData as LaneSettings);
  const send = (message: FromLane, transfer: readonly ArrayBuffer[] = []): void => {
    port.postMessage(message, [...transfer]);
  };
  let current = Promise.resolve();
  port.on('message', (message: ToLane) => {
    if (message.kind === 'close') {
      void current.then(() => state.sessions.clear()).then(() => port.close());
      return;
    }
    // A job begins when what was dropped before it is gone.
    current = current.then(async () => {
      if (message.kind === 'run') return answer(message, { stages, state, send });
      await state.sessions.drop(message.digests);
      send({ kind: 'dropped', load: state.sessions.load });
    });
  });
}

interface Serving {
  readonly stages: LaneStages;
  readonly state: LaneState;
  readonly send: (message: FromLane, transfer?: readonly ArrayBuffer[]) => void;
}

async function answer(request: Extract<ToLane, { kind: 'run' }>, serving: Serving): Promise<void> {
  const { job } = request;
  const { sessions } = serving.state;
  try {
    const result = await runBody(request, serving);
    const { tensors, transfer } = tensorsToMove(result.outputs);
    serving.send(
      { kind: 'done', result: { ...result, outputs: tensors }, load: sessions.load },
      transfer,
    );
  } catch (reason) {
    const failure = describeFailure(reason, `running ${job.stage}`).toJSON();
    serving.send({ kind: 'failed', failure, load: sessions.load });
  }
}

async function runBody(
  { job, cancelled }: Extract<ToLane, { kind: 'run' }>,
  { stages, state, send }: Serving,
): Promise<LaneResult> {
  const startedMs = performance.now();
  const busyBefore = state.sessions.busySeconds;
  const flag = new Int32Array(cancelled);
  const isCancelled = (): boolean => Atomics.load(flag, 0) !== 0;
  // Copied on its way: the body goes on with what it gave.
  const clock = new CheckpointClock(job.checkpoints?.everySeconds ?? Infinity, (checkpoint) => {
    send({ kind: 'checkpoint', checkpoint });
  });
  const stage = Object.hasOwn(stages, job.stage) ? stages[job.stage] : undefined;
  if (stage === undefined) {
    throw new BivdiffError('internal', `no code here runs the stage ${job.stage}`);
  }
  const context = createStageContext(job, state, {
    graphs: stage.graphs?.(job.params as never) ?? {},
    isCancelled,
    onProgress: (step, steps) => send({ kind: 'progress', step, steps }),
    standsAt: (doneSteps, save) => clock.standsAt(doneSteps, save),
  });
  context.throwIfCancelled();
  const { tensors, frames } = job;
  const input = { params: job.params as never, tensors, frames };
  const outputs = await stage.body(input, context).catch((reason: unknown) => {
    if (isCancelled()) clock.stopped();
    throw reason;
  });
  return {
    outputs,
    busySeconds: state.sessions.busySeconds - busyBefore,
    seconds: (performance.now() - startedMs) / 1000,
  };
}

/**
 * What crosses to the main thread: our own errors with their causes. Of a foreign one only the text can, so a defect's
 * stack goes into the details.
 */
function describeFailure(reason: unknown, doing: string): BivdiffError {
  const failure = BivdiffError.from(reason, doing);
  const { code, message, retry, hint, details, cause } = failure;
  const stack = failure !== reason && reason instanceof Error ? { stack: reason.stack } : {};
  return new BivdiffError(code, message, {
    retry,
    details: { ...details, ...stack },
    ...(hint === undefined ? {} : { hint }),
    ...(cause instanceof BivdiffError ? { cause: describeFailure(cause, doing) } : {}),
  });
}
