// A control plane for the tests of a file. If one of them fails, its logs stay.

import { afterAll, beforeAll } from 'vitest';
import type { RunnerTestSuite, RunnerTask } from 'vitest';

import type { ControlPlane } from './plane/control-plane.ts';
import { startControlPlane } from './plane/start-control-plane.ts';
import type { ControlPlaneOptions } from './plane/start-control-plane.ts';

/** It is there while the file's tests run. @param arrange - what is made in it before the first of them */
export function useControlPlane(
  options: ControlPlaneOptions = {},
  arrange: (plane: ControlPlane) => Promise<void> = async () => undefined,
): () => ControlPlane {
  let started: ControlPlane | undefined;
  const plane = (): ControlPlane => {
    if (started === undefined) throw new Error('the control plane is there only within tests');
    return started;
  };
  beforeAll(async () => {
    started = await startControlPlane(options);
    await arrange(started);
  });
  afterAll(async ({}, suite) => {
    if (started === undefined) return;
    if (hasFailed(suite)) {
      const kept = await started.keepLogs();
      process.stderr.write(`logs of the control plane: ${kept}\n`);
    }
    await started[Symbol.asyncDispose]();
  });
  return plane;
}

function hasFailed(suite: Pick<RunnerTestSuite, 'tasks' | 'result'>): boolean {
  const failed = ({ result }: Pick<RunnerTask, 'result'>): boolean => result?.state === 'fail';
  return (
    failed(suite) ||
    suite.tasks.some((task) => failed(task) || (task.type === 'suite' && hasFailed(task)))
  );
}
