// Goal: no message on the bus grows with the job. Method: every kind of message of a job of a million frames, as bytes. The ids of a
// million frames' tasks would take a minute, so the one task that reads them all is made up; all others are the planner's.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { decodeCancel, encodeCancels } from '../../../../common/bus/nats/messages/cancels.ts';
import { decodeDrop, encodeDrops } from '../../../../common/bus/nats/messages/drops.ts';
import {
  decodeTaskMessage,
  encodeTaskMessage,
} from '../../../../common/bus/nats/messages/task-messages.ts';
import {
  decodeEvents,
  encodeEvent,
  joinEvents,
} from '../../../../common/bus/nats/messages/worker-events.ts';
import type { TaskMessage, WorkerEvent } from '../../../../common/bus/ports.ts';
import { boundedMessage, isTooLong, wholeTask } from '../../../../common/bus/task-inputs.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { InputPart, JobId, Task, TaskId } from '../../../../common/task.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { taskIdOf, taskOf } from '../../../support/conformance/results.ts';

const FRAMES = 1_000_000;
/** An eighth of what a NATS server takes if nothing else is said. */
const BYTES_MAX = 128 << 10;

function messageOf(task: Task): TaskMessage {
  return { task, attempt: 1, excludedWorkers: [] };
}

function madeUpId(index: number): TaskId {
  return index.toString(16).padStart(64, '0') as TaskId;
}

/** Reads a frame of each of a million tasks, and shows them. */
function longTask(frames: number): Task {
  const parts = Array.from({ length: frames }, (_, index): InputPart => ({
    task: madeUpId(index),
    output: 'frames',
    offset: 0,
    count: 1,
  }));
  return {
    ...taskOf('long'),
    stage: 'assemble',
    params: { layout: 'clip', format: 'mp4', framesPerSecond: 8 },
    inputs: { control: [], generated: [], smoothed: parts },
    frames: Array.from({ length: frames }, (_, frame) => frame),
  };
}

/** Comparing it all takes seconds; the bus's own tests do, of fewer frames. */
function gist({ frames, inputs, ...rest }: Task): object {
  const parts = inputs['smoothed']!;
  const roles = Object.entries(inputs).map(([role, { length }]) => ({ role, length }));
  return {
    ...rest,
    roles,
    ends: [parts[0], parts.at(-1), frames[0], frames.at(-1)],
    frames: frames.length,
  };
}

describe('messages of a job of a million frames', () => {
  it('of tasks of every node are bounded, and say all there is', async () => {
    const plan = createPlan(acceptedJob({ frames: FRAMES, frameBatch: 1, window: 1_024 }));
    const store = createMemoryStore();
    const nodes = plan.nodes.filter(({ stage }) => stage !== 'assemble');
    const tasks = nodes.flatMap(({ name: node, count }) =>
      [0, count - 1].map((index) => plan.task({ node, index })),
    );
    const long = longTask(FRAMES);
    const largest = { bytes: 0 };
    for (const task of [...tasks, long]) {
      const message = messageOf(task);
      const sent = isTooLong(message) ? await boundedMessage(store, message) : message;
      const bytes = encodeTaskMessage(sent);
      largest.bytes = Math.max(largest.bytes, bytes.length);
      const received = await wholeTask(store, decodeTaskMessage(bytes));
      if (task !== long) expect(received).toEqual(task);
      else expect(gist(received)).toEqual(gist(task));
    }
    expect(nodes.map(({ stage }) => stage)).toHaveLength(10);
    expect(largest.bytes).toBeLessThan(BYTES_MAX);
  }, 60_000);

  it('of events are bounded, whatever a worker has to say', () => {
    const facts = { taskId: taskIdOf('a'), worker: 'w'.repeat(200), attempt: 7 };
    let failure = new BivdiffError('data-loss', 'x'.repeat(1e6), {
      details: { lostTasks: [madeUpId(1)], much: 'y'.repeat(1e6) },
      hint: 'z'.repeat(1e6),
    });
    for (let i = 0; i < 50; i += 1)
      failure = new BivdiffError('internal', 'again', { cause: failure });
    const cause = new BivdiffError('data-loss', 'lost', {
      cause: failure,
      details: { lostTasks: [madeUpId(1)], much: 'y'.repeat(1e6) },
    });
    const result = {
      stage: 'smooth',
      worker: 'w',
      attempt: 7,
      seconds: 9,
      busySeconds: 8,
    } as const;
    const events: WorkerEvent[] = [
      { kind: 'started', ...facts, slot: 3, stage: 'smooth', doneSteps: 12 },
      { kind: 'progress', taskId: facts.taskId, worker: facts.worker, step: 12, steps: 50 },
      { kind: 'committed', ...facts, result },
      {
        ...{ kind: 'diverged', taskId: facts.taskId, worker: facts.worker },
        ...{ otherWorker: 'o', stage: 'smooth' },
      },
      { kind: 'failed', ...facts, failure: cause.toJSON() },
    ];
    const encoded = events.map(encodeEvent);
    for (const bytes of encoded) expect(bytes.length).toBeLessThan(32 << 10);
    const read = decodeEvents(joinEvents(encoded), (reason) => {
      throw reason as Error;
    });
    expect(read.slice(0, 4)).toEqual(events.slice(0, 4));
    // What the failure policy decides by is there.
    const { failure: cut } = read[4] as Extract<WorkerEvent, { kind: 'failed' }>;
    expect(cut).toMatchObject({ code: 'data-loss', details: { lostTasks: [madeUpId(1)] } });
    expect(cut.cause?.code).toBe('internal');
  });

  it('of cancels are bounded: they are several', () => {
    const taskIds = Array.from({ length: 2_500 }, (_, index) => madeUpId(index));
    const messages = encodeCancels({ jobId: 'j' as JobId, taskIds });
    expect(messages).toHaveLength(3);
    for (const bytes of messages) expect(bytes.length).toBeLessThan(BYTES_MAX);
    expect(messages.flatMap((bytes) => decodeCancel(bytes).taskIds)).toEqual(taskIds);
  });

  it('of held results to drop are bounded: they are several', () => {
    const digests = Array.from({ length: 2_500 }, (_, index) => digestText(String(index)));
    const messages = encodeDrops(digests);
    expect(messages).toHaveLength(3);
    for (const bytes of messages) expect(bytes.length).toBeLessThan(BYTES_MAX);
    expect(messages.flatMap(decodeDrop)).toEqual(digests);
  });
});
