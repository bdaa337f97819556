// What a task reads, in few bytes: in a task's message, or as an artifact of its own where it is too much for one. A clip of a million frames
// is put together from as many parts as it has batches.

import { BivdiffError } from '../errors.ts';
import { TaskInputs } from '../gen/bivdiff/v1/farm_bus.ts';
import type { InputRun } from '../gen/bivdiff/v1/farm_bus.ts';
import type { Store } from '../store/ports.ts';
import type { InputPart, Task, TaskId } from '../task.ts';
import type { TaskMessage } from './ports.ts';

type Inputs = Task['inputs'];

const NO_PARTS = { taskIds: new Uint8Array(), offsets: [], counts: [] };

/** Parts that travel in a message: some 80 kB. Batches and windows have tens, the longest window of single frames 1,024. */
export const INPUT_PARTS_MAX = 2_048;
const ID_BYTES = 32;

/** The message itself; or, of a task that reads more than fits, one that names its inputs in the store. */
export async function boundedMessage(
  store: Pick<Store, 'putArtifact'>,
  message: TaskMessage,
): Promise<TaskMessage> {
  const { task } = message;
  const inputsArtifact = await store.putArtifact(encodeInputs(task.inputs));
  return { ...message, task: { ...task, inputs: {} }, inputsArtifact };
}

export function isTooLong({ task }: TaskMessage): boolean {
  let parts = 0;
  for (const role in task.inputs) parts += task.inputs[role]!.length;
  return parts > INPUT_PARTS_MAX;
}

/** The task with all that it reads. @throws unavailable — the list is not in the store any more; who publishes the task again puts it there */
export async function wholeTask(
  store: Pick<Store, 'getArtifact'>,
  { task, inputsArtifact }: TaskMessage,
): Promise<Task> {
  if (inputsArtifact === undefined) return task;
  try {
    return { ...task, inputs: decodeInputs(await store.getArtifact(inputsArtifact)) };
  } catch (reason) {
    const { code, message } = BivdiffError.from(reason);
    if (code !== 'data-loss') throw reason;
    throw new BivdiffError('unavailable', `the list of what the task reads: ${message}`, {
      cause: reason,
    });
  }
}

export function inputsMessage(inputs: Inputs): TaskInputs {
  const runs: InputRun[] = [];
  for (const role of Object.keys(inputs)) {
    const parts = inputs[role]!;
    if (parts.length === 0) runs.push({ role, output: '', ...NO_PARTS });
    for (let from = 0; from < parts.length;) {
      const to = endOfRun(parts, from);
      runs.push(runOf(role, parts, { from, to }));
      from = to;
    }
  }
  return { runs };
}

/** @throws invalid-argument — lists that do not belong together */
export function inputsOfMessage({ runs }: TaskInputs): Inputs {
  const inputs: Record<string, InputPart[]> = {};
  for (const { role, output, taskIds, offsets, counts } of runs) {
    const { length } = counts;
    if (taskIds.length !== ID_BYTES * length || offsets.length !== length) {
      throw new BivdiffError('invalid-argument', `lists of unequal length for input ${role}`);
    }
    const ids = Buffer.from(taskIds.buffer, taskIds.byteOffset, taskIds.length);
    const parts = (inputs[role] ??= []);
    for (let i = 0; i < length; i += 1) {
      const task = ids.toString('hex', ID_BYTES * i, ID_BYTES * (i + 1)) as TaskId;
      parts.push({ task, output, offset: offsets[i]!, count: counts[i]! });
    }
  }
  return inputs;
}

function encodeInputs(inputs: Inputs): Uint8Array {
  return TaskInputs.encode(inputsMessage(inputs)).finish();
}

function decodeInputs(bytes: Uint8Array): Inputs {
  return inputsOfMessage(TaskInputs.decode(bytes));
}

function endOfRun(parts: readonly InputPart[], from: number): number {
  let to = from + 1;
  while (to < parts.length && parts[to]!.output === parts[from]!.output) to += 1;
  return to;
}

function runOf(
  role: string,
  parts: readonly InputPart[],
  { from, to }: { readonly from: number; readonly to: number },
): InputRun {
  const taskIds = Buffer.allocUnsafe(ID_BYTES * (to - from));
  const offsets = new Array<number>(to - from);
  const counts = new Array<number>(to - from);
  for (let i = from; i < to; i += 1) {
    const { task, offset, count } = parts[i]!;
    taskIds.write(task, ID_BYTES * (i - from), 'hex');
    offsets[i - from] = offset;
    counts[i - from] = count;
  }
  return { role, output: parts[from]!.output, taskIds, offsets, counts };
}
