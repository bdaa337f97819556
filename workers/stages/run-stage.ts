// Runs one task's work, wherever that belongs: stage bodies in lanes, source video and output files in media
// processes. Reads inputs from the store and puts outputs into it; knows nothing of the bus.

import { BivdiffError } from '../../common/errors.ts';
import type { ModelPart } from '../../common/models/model-set.ts';
import { SAMPLING_STAGES } from '../../common/stage-facts.ts';
import type { ArtifactRef, Task } from '../../common/task.ts';
import { BusyClock } from './busy-clock.ts';
import { gatherInput, storeOutput } from './artifacts.ts';
import { holdOutputs } from './float-tensors.ts';
import { assembleOutput } from './assemble.ts';
import { TaskCheckpoints } from './checkpoints.ts';
import type { LaneResult } from '../inference/lanes/lane-job.ts';
import type { Checkpoint } from '../inference/ports.ts';
import { ingestFrames } from './ingest.ts';
import type { PartLookup } from './ports.ts';
import type { RunTaskOptions, StageOutcome, StageRunnerOptions } from './stage-environment.ts';

/** Runs a task to its stored outputs. The record is the caller's to write. */
export async function runStage(
  task: Task,
  options: StageRunnerOptions,
  run: RunTaskOptions,
): Promise<StageOutcome> {
  switch (task.stage) {
    case 'ingest':
      return run.onDevice(() => ingestFrames(task, options, run));
    case 'assemble':
      return run.onDevice(() => assembleOutput(task, options, run));
    default:
      return runInLane(task, options, run);
  }
}

async function runInLane(
  task: Task,
  options: StageRunnerOptions,
  run: RunTaskOptions,
): Promise<StageOutcome> {
  const { store, lanes, peers } = options;
  const { mayHold = false } = run;
  const access = { store, peers, held: run.held, codecs: new BusyClock() };
  const roles = Object.keys(task.inputs);
  const checkpoints = checkpointsOf(task, options);
  const [models, inputs, resumed] = await untilAborted(
    Promise.all([
      modelsOf(task, options.findPart),
      Promise.all(roles.map((role) => gatherInput(access, task.inputs[role]!))),
      checkpoints?.find(),
    ]),
    run.signal,
  );
  const { stage, params, frames } = task;
  const tensors = Object.fromEntries(roles.map((role, i) => [role, inputs[i]!]));
  const plan = checkpoints && { everySeconds: options.checkpointSeconds, resumed };
  const job = { stage, params, frames, models, tensors, checkpoints: plan };
  const hears = { ...run, onCheckpoint: (made: Checkpoint) => checkpoints?.save(made) };
  const work = (): Promise<LaneResult> => lanes.run(job, hears);
  const result = await run.onDevice(work, resumed?.doneSteps).catch(async (reason: unknown) => {
    // Stopped is no failure. After one the next attempt begins at the beginning: it may be what was gone on from.
    await (BivdiffError.from(reason).code === 'cancelled'
      ? checkpoints?.settled()
      : checkpoints?.drop());
    throw reason;
  });
  const isStep = 'windows' in params;
  const held = isStep && peers?.hold ? await holdOutputs(result.outputs, peers.hold) : undefined;
  if (mayHold && held !== undefined) {
    const busySeconds = result.busySeconds + access.codecs.seconds;
    return { outputs: held, busySeconds, held };
  }
  const sinceMs = performance.now();
  const outputs: Record<string, readonly ArtifactRef[]> = {};
  for (const [name, tensor] of Object.entries(result.outputs)) {
    outputs[name] = await storeOutput(access, tensor);
  }
  return {
    ...(held && { held }),
    ...{ outputs, busySeconds: result.busySeconds + access.codecs.seconds },
    storingSeconds: (performance.now() - sinceMs) / 1000,
    committed: async () => checkpoints?.drop(),
  };
}

function checkpointsOf(task: Task, options: StageRunnerOptions): TaskCheckpoints | undefined {
  const isNever = options.checkpointSeconds === Infinity;
  // One step of windows is short, and its result is what the rest goes on from.
  if (isNever || !SAMPLING_STAGES.includes(task.stage) || 'windows' in task.params)
    return undefined;
  return new TaskCheckpoints(options, task);
}

async function modelsOf(task: Task, findPart: PartLookup): Promise<Record<string, ModelPart>> {
  const roles = Object.entries(task.models);
  const found = await Promise.all(
    roles.map(async ([role, digest]) => {
      const part = await findPart(digest);
      if (part !== undefined) return [role, part] as const;
      throw new BivdiffError(
        'failed-precondition',
        `this worker has no model with digest ${digest.slice(0, 12)} for role ${role} of ${task.stage}, nor has the store`,
        { hint: 'Were model files changed during the render? Run the command again.' },
      );
    }),
  );
  return Object.fromEntries(found);
}

/** A cancelled task does not wait for its models; whatever fetches them goes on, for the next task. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    work.catch(() => undefined);
  }
}
