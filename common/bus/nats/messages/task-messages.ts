// Task messages as bytes.

import { TaskMessage as Wire } from '../../../gen/bivdiff/v1/farm_bus.ts';
import type { NamedDigest } from '../../../gen/bivdiff/v1/farm_bus.ts';
import type { Digest, JsonObject, TaskId } from '../../../task.ts';
import { inputsMessage, inputsOfMessage } from '../../task-inputs.ts';
import type { TaskMessage } from '../../ports.ts';
import { heldMessage, heldOfMessage } from './held-results.ts';
import { bytesOfId, idOfBytes, malformed, stageOf } from './ids.ts';

/** A job may have a million, and a task that shows them all names each. */
const FRAMES_MAX = 10_000_000;
const NOTHING = new Uint8Array();

export function encodeTaskMessage(message: TaskMessage): Uint8Array {
  const { task, attempt, excludedWorkers, memoryBytes, inputsArtifact, isCopy } = message;
  const { mayHold, held = {} } = message;
  return Wire.encode({
    taskId: bytesOfId(task.id),
    stage: task.stage,
    stageRevision: task.stageRevision,
    paramsJson: JSON.stringify(task.params),
    models: namedDigests(task.models),
    sources: namedDigests(task.sources),
    inputs: inputsMessage(task.inputs),
    inputsArtifact: inputsArtifact === undefined ? NOTHING : bytesOfId(inputsArtifact),
    frameRuns: runsOf(task.frames),
    numericsClass: task.numericsClass,
    attempt,
    excludedWorkers: excludedWorkers as string[],
    memoryBytes,
    isCopy: isCopy === true,
    mayHold: mayHold === true,
    held: Object.entries(held).map(([taskId, result]) => {
      return heldMessage(taskId as TaskId, result);
    }),
  }).finish();
}

/** @throws invalid-argument, or the decoder's own error — it is no task message */
export function decodeTaskMessage(bytes: Uint8Array): TaskMessage {
  const wire = Wire.decode(bytes);
  const { attempt, excludedWorkers, memoryBytes, inputsArtifact, isCopy, mayHold } = wire;
  if (attempt === 0 || wire.stageRevision === 0) throw malformed('a task without its numbers');
  return {
    task: {
      id: idOfBytes<TaskId>(wire.taskId, 'a task id'),
      stage: stageOf(wire.stage),
      stageRevision: wire.stageRevision,
      params: paramsOf(wire.paramsJson),
      models: digestsOf(wire.models),
      inputs: wire.inputs === undefined ? {} : inputsOfMessage(wire.inputs),
      sources: digestsOf(wire.sources),
      frames: framesOf(wire.frameRuns),
      numericsClass: wire.numericsClass,
    },
    attempt,
    excludedWorkers,
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(inputsArtifact.length > 0 && {
      inputsArtifact: idOfBytes<Digest>(inputsArtifact, 'the digest of a list of inputs'),
    }),
    ...(isCopy && { isCopy }),
    ...(mayHold && { mayHold }),
    ...(wire.held.length > 0 && { held: Object.fromEntries(wire.held.map(heldOfMessage)) }),
  };
}

function namedDigests(digests: Readonly<Record<string, Digest>>): NamedDigest[] {
  return Object.keys(digests).map((role) => ({ role, digest: bytesOfId(digests[role]!) }));
}

function digestsOf(named: readonly NamedDigest[]): Record<string, Digest> {
  const digests: Record<string, Digest> = {};
  for (const { role, digest } of named) digests[role] = idOfBytes<Digest>(digest, `digest ${role}`);
  return digests;
}

function paramsOf(json: string): JsonObject {
  const params: unknown = JSON.parse(json);
  if (typeof params === 'object' && params !== null && !Array.isArray(params)) {
    return params as JsonObject;
  }
  throw malformed('parameters that are no JSON object');
}

/** Start and count of each run of neighbours. */
function runsOf(frames: readonly number[]): number[] {
  const runs: number[] = [];
  for (let from = 0; from < frames.length;) {
    let to = from + 1;
    while (to < frames.length && frames[to] === frames[to - 1]! + 1) to += 1;
    runs.push(frames[from]!, to - from);
    from = to;
  }
  return runs;
}

function framesOf(runs: readonly number[]): number[] {
  const frames: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const [start, count] = [runs[i]!, runs[i + 1]];
    // A few bytes could name four billion of them.
    if (count === undefined || frames.length + count > FRAMES_MAX) throw malformed('its frames');
    for (let frame = start; frame < start + count; frame += 1) frames.push(frame);
  }
  return frames;
}
