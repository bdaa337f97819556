// Events of workers as bytes. A message of them has a bounded size: what of an event could grow is cut.

import { cutFailure, failureMessage, failureOfMessage } from '../../../failure-message.ts';
import { WorkerEvent as Wire, WorkerEvents } from '../../../gen/bivdiff/v1/farm_bus.ts';
import type { TaskId } from '../../../task.ts';
import type { WorkerEvent } from '../../ports.ts';
import { heldTensors, outputsOfTensors } from './held-results.ts';
import { bytesOfId, idOfBytes, malformed, stageOf } from './ids.ts';

/** Which field of a list of events holds them. */
const LIST_TAG = (1 << 3) | 2;

/** Each is a message of its own; `joinEvents` makes one of many. */
export function encodeEvent(event: WorkerEvent): Uint8Array {
  const { taskId, worker } = event;
  const wire: Wire = { taskId: bytesOfId(taskId), worker };
  switch (event.kind) {
    case 'started': {
      const { attempt, slot, stage, doneSteps = 0 } = event;
      wire.started = { attempt, slot, stage, doneSteps };
      break;
    }
    case 'progress':
      wire.progress = { step: event.step, steps: event.steps };
      break;
    case 'committed': {
      const { stage, seconds, busySeconds, worker: madeBy, attempt: madeInAttempt } = event.result;
      const { attempt, storingSeconds = 0 } = event;
      const held = heldTensors(event.held ?? {});
      const made = { stage, madeBy, madeInAttempt, seconds, busySeconds };
      wire.committed = { attempt, ...made, held, storingSeconds };
      break;
    }
    case 'diverged':
      wire.diverged = { otherWorker: event.otherWorker, stage: event.stage };
      break;
    case 'failed':
      wire.failed = {
        attempt: event.attempt,
        failure: failureMessage(cutFailure(event.failure)),
      };
  }
  return Wire.encode(wire).finish();
}

/** The message of these events: each with its tag and length before it. */
export function joinEvents(events: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(events.flatMap((event) => [lineHead(event.length), event]));
}

/**
 * Those that fit their schema; the others are given to `onMalformed`, one by one.
 * @throws the decoder's error — it is no list of events
 */
export function decodeEvents(
  bytes: Uint8Array,
  onMalformed: (reason: unknown) => void,
): readonly WorkerEvent[] {
  const events: WorkerEvent[] = [];
  for (const wire of WorkerEvents.decode(bytes).events) {
    try {
      events.push(eventOf(wire));
    } catch (reason) {
      onMalformed(reason);
    }
  }
  return events;
}

function eventOf(wire: Wire): WorkerEvent {
  const { worker, started, progress, committed, diverged, failed } = wire;
  const facts = { taskId: idOfBytes<TaskId>(wire.taskId, 'a task id'), worker };
  if (started !== undefined) {
    const { attempt, slot, stage, doneSteps } = started;
    const begun = { kind: 'started', ...facts, attempt, slot, stage: stageOf(stage) } as const;
    return doneSteps === 0 ? begun : { ...begun, doneSteps };
  }
  if (progress !== undefined) return { kind: 'progress', ...facts, ...progress };
  if (committed !== undefined) {
    const { attempt, stage, madeBy, madeInAttempt, seconds, busySeconds } = committed;
    if (!Number.isFinite(seconds) || !Number.isFinite(busySeconds)) throw malformed('its seconds');
    const made = { worker: madeBy, attempt: madeInAttempt, seconds, busySeconds };
    const { held, storingSeconds } = committed;
    if (!Number.isFinite(storingSeconds)) throw malformed('its seconds');
    return {
      ...{ kind: 'committed', ...facts, attempt, result: { stage: stageOf(stage), ...made } },
      ...(held.length > 0 && { held: outputsOfTensors(held) }),
      ...(storingSeconds > 0 && { storingSeconds }),
    };
  }
  if (diverged !== undefined) {
    const { otherWorker, stage } = diverged;
    return { kind: 'diverged', ...facts, otherWorker, stage: stageOf(stage) };
  }
  if (failed?.failure !== undefined) {
    const { attempt, failure } = failed;
    return { kind: 'failed', ...facts, attempt, failure: failureOfMessage(failure) };
  }
  throw malformed('an event of no known kind');
}

/** The tag, then the length in groups of seven bits, lowest first. */
function lineHead(length: number): Buffer {
  const head = [LIST_TAG];
  let rest = length;
  while (rest > 0x7f) {
    head.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  head.push(rest);
  return Buffer.from(head);
}
