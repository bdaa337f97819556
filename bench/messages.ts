// What messages on the bus weigh, and what it takes to write and read one: as they are, and as JSON text, which protocol 1 sent.

import {
  encodeEvent,
  decodeEvents,
  joinEvents,
} from '../common/bus/nats/messages/worker-events.ts';
import { decodeTaskMessage, encodeTaskMessage } from '../common/bus/nats/messages/task-messages.ts';
import { resultFacts } from '../common/bus/ports.ts';
import type { TaskMessage, WorkerEvent } from '../common/bus/ports.ts';
import { BivdiffError } from '../common/errors.ts';
import { digestText } from '../common/digest.ts';
import type { ResultRecord, Task } from '../common/task.ts';
import { createPlan } from '../coordinator/domain/plan.ts';
import { benchJob } from './bench-job.ts';

const ROWS = 6;
const ROUNDS = 10_000;
/** Parts read in all rounds together: long tasks are measured in fewer. */
const PARTS = 400_000;

export interface MessageFigures {
  readonly what: string;
  readonly bytes: number;
  readonly jsonBytes: number;
  /** Microseconds. */
  readonly encodeUs: number;
  readonly decodeUs: number;
  readonly jsonEncodeUs: number;
  readonly jsonDecodeUs: number;
}

export function measureMessages(): readonly MessageFigures[] {
  const plan = createPlan(benchJob(8_000));
  const task = (node: string): Task => plan.task({ node, index: 0 });
  const committed = recordOf(task('encode'));
  const failure = new BivdiffError('internal', 'ONNX Runtime: a defect', { hint: 'Look at it.' });
  const facts = { taskId: committed.taskId, worker: 'worker-1.example', attempt: 1 };
  return [
    ...['encode', 'smooth', 'assemble'].map((node) => ofTask(`task of ${node}`, task(node))),
    ofEvents('started', { kind: 'started', ...facts, slot: 0, stage: 'encode' }),
    ofEvents(
      'committed',
      { kind: 'committed', ...facts, result: resultFacts(committed) },
      // Protocol 1 sent the whole record.
      { kind: 'committed', ...facts, record: committed },
    ),
    ofEvents('failed', { kind: 'failed', ...facts, failure: failure.toJSON() }),
  ];
}

function ofTask(what: string, task: Task): MessageFigures {
  const message: TaskMessage = { task, attempt: 1, excludedWorkers: [] };
  const parts = Object.values(task.inputs).reduce((sum, { length }) => sum + length, 0);
  const rounds = Math.min(ROUNDS, Math.ceil(PARTS / Math.max(1, parts)));
  return figuresOf(what, {
    rounds,
    json: { protocol: 1, ...message },
    encode: () => encodeTaskMessage(message),
    decode: decodeTaskMessage,
  });
}

function ofEvents(what: string, event: WorkerEvent, json: object = event): MessageFigures {
  return figuresOf(`event ${what}`, {
    rounds: ROUNDS,
    json: [json],
    encode: () => joinEvents([encodeEvent(event)]),
    decode: (bytes) => decodeEvents(bytes, () => undefined),
  });
}

interface Codec {
  readonly rounds: number;
  readonly json: object;
  readonly encode: () => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

function figuresOf(what: string, { rounds, json, encode, decode }: Codec): MessageFigures {
  const bytes = Buffer.from(encode());
  const jsonBytes = Buffer.from(JSON.stringify(json));
  return {
    ...{ what, bytes: bytes.length, jsonBytes: jsonBytes.length },
    encodeUs: microseconds(rounds, encode),
    decodeUs: microseconds(rounds, () => decode(bytes)),
    // As it was sent and taken: to bytes and from bytes.
    jsonEncodeUs: microseconds(rounds, () => Buffer.from(JSON.stringify(json))),
    jsonDecodeUs: microseconds(rounds, () => JSON.parse(jsonBytes.toString()) as unknown),
  };
}

/** Of one call: the quickest of some rows of calls, the first of which warm up. */
function microseconds(rounds: number, work: () => unknown): number {
  const rows = Array.from({ length: ROWS }, () => {
    const begunMs = performance.now();
    for (let i = 0; i < rounds; i += 1) work();
    return (1_000 * (performance.now() - begunMs)) / rounds;
  });
  return Math.min(...rows);
}

/** A batch of latents. */
function recordOf({ id: taskId, stage, numericsClass }: Task): ResultRecord {
  const latents = {
    ...{ digest: digestText('latents'), bytes: 65_536, type: 'tensor/float32' as const },
    shape: [4, 4, 64, 64],
  };
  return {
    ...{ taskId, stage, numericsClass, outputs: { latents: [latents] } },
    ...{ worker: 'worker-1.example', attempt: 1, startedAt: new Date().toISOString() },
    ...{ seconds: 0.123456789, busySeconds: 0.098765432 },
  };
}
