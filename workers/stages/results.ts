// What tasks have made, as their records say: found, or told as lost with the task that made it.

import type { HeldResult } from '../../common/bus/ports.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ArtifactRef, InputPart, ResultRecord, TaskId } from '../../common/task.ts';
import type { BusyClock } from './busy-clock.ts';
import type { TensorPeers } from './ports.ts';

/** Pictures, or parts of a tensor, read or written at once. */
const AT_ONCE = 8;

/** The store, and the clock that counts time spent packing and unpacking pictures. */
export interface ArtifactAccess {
  readonly store: Store;
  /** Asked for tensors before the store is. @default nobody */
  readonly peers?: TensorPeers | undefined;
  /** Results that only workers have. @default none */
  readonly held?: Readonly<Record<TaskId, HeldResult>> | undefined;
  readonly codecs: BusyClock;
}

export async function requireRecord(store: Store, taskId: TaskId): Promise<ResultRecord> {
  const record = await store.getRecord(taskId);
  if (record !== undefined) return record;
  throw new BivdiffError(
    'data-loss',
    `the result of task ${taskId.slice(0, 12)} is not in the store any more`,
    { details: { lostTasks: [taskId], unrecorded: true } },
  );
}

export async function readOrReport(
  store: Store,
  ref: ArtifactRef,
  taskId: TaskId,
): Promise<Uint8Array> {
  try {
    return await store.getArtifact(ref.digest);
  } catch (reason) {
    const error = BivdiffError.from(reason);
    if (error.code !== 'data-loss') throw error;
    throw new BivdiffError('data-loss', error.message, {
      cause: error,
      details: { ...error.details, lostTasks: [taskId] },
    });
  }
}

export function outputOf(
  record: Pick<ResultRecord, 'outputs'>,
  part: InputPart,
): readonly ArtifactRef[] {
  const output = record.outputs[part.output];
  if (output === undefined) throw malformedResult(part);
  return output;
}

export function malformedResult(part: InputPart): BivdiffError {
  return new BivdiffError(
    'data-loss',
    `the record of task ${part.task.slice(0, 12)} has no usable output ${part.output}`,
    { details: { lostTasks: [part.task] } },
  );
}

export async function forEachBounded<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
}
