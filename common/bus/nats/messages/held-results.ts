// Results that only their maker has, as messages.

import type { HeldResult as Wire, HeldTensor } from '../../../gen/bivdiff/v1/farm_bus.ts';
import type { ArtifactRef, Digest, ResultRecord, TaskId } from '../../../task.ts';
import type { HeldResult } from '../../ports.ts';
import { bytesOfId, idOfBytes } from './ids.ts';

export function heldMessage(taskId: TaskId, { worker, outputs }: HeldResult): Wire {
  return { taskId: bytesOfId(taskId), worker, tensors: heldTensors(outputs) };
}

/** @throws invalid-argument — an id is none */
export function heldOfMessage({ taskId, worker, tensors }: Wire): [TaskId, HeldResult] {
  const id = idOfBytes<TaskId>(taskId, 'the task of a held result');
  return [id, { worker, outputs: outputsOfTensors(tensors) }];
}

/** Of a result whose outputs are one tensor each. */
export function heldTensors(outputs: ResultRecord['outputs']): HeldTensor[] {
  return Object.entries(outputs).flatMap(([output, refs]) =>
    refs.map(({ digest, bytes, shape = [] }) => {
      return { output, digest: bytesOfId(digest), bytes, shape: [...shape] };
    }),
  );
}

/** @throws invalid-argument — a digest is none */
export function outputsOfTensors(tensors: readonly HeldTensor[]): ResultRecord['outputs'] {
  const outputs = tensors.map(({ output, digest, bytes, shape }): [string, ArtifactRef[]] => [
    output,
    [
      {
        digest: idOfBytes<Digest>(digest, 'the digest of a held tensor'),
        ...{ bytes, type: 'tensor/float32', shape },
      },
    ],
  ]);
  return Object.fromEntries(outputs);
}
