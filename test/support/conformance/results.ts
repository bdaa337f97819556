// Made-up tasks and results for tests of stores and buses. Knows nothing of plans.

import { digestText } from '../../../common/digest.ts';
import type { ArtifactRef, Digest, ResultRecord, Task, TaskId } from '../../../common/task.ts';

export function taskIdOf(label: string): TaskId {
  return digestText(`task ${label}`) as string as TaskId;
}

export function artifactOf(digest: Digest, bytes: number): ArtifactRef {
  return { digest, bytes, type: 'application/octet-stream' };
}

export function recordOf(
  label: string,
  artifacts: readonly ArtifactRef[],
  changes: Partial<ResultRecord> = {},
): ResultRecord {
  return {
    taskId: taskIdOf(label),
    stage: 'generate',
    outputs: { frames: artifacts },
    worker: 'worker-1',
    numericsClass: 'test',
    attempt: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: 1.5,
    busySeconds: 1.25,
    ...changes,
  };
}

export function taskOf(label: string): Task {
  return {
    id: taskIdOf(label),
    stage: 'generate',
    stageRevision: 1,
    params: {},
    models: {},
    inputs: {},
    sources: {},
    frames: [0],
    numericsClass: 'test',
  };
}
