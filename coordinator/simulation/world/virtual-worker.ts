// What a simulated worker says: its signs of life, its results, its failures.

import type { TaskMessage } from '../../../common/bus/ports.ts';
import type { FailureJson } from '../../../common/errors.ts';
import { PROTOCOL_VERSION } from '../../../common/protocol-version.ts';
import type { ResultRecord } from '../../../common/task.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import type { WorkerPool } from '../scenario.ts';
import { simulatedNumerics } from '../tenancy.ts';

/** By the workers' clocks; nothing reads it. */
const STARTED_AT = '2026-01-01T00:00:00.000Z';
const NO_OUTPUTS = {};

export const FAILED = failure('internal', 'the simulation has this attempt fail', 'other-worker');
export const STOPPED = failure('cancelled', 'stopped on request', 'never');

/** Workers that serve the same queues. */
export interface WorkerKind {
  readonly pool: WorkerPool;
  readonly className: string;
}

/** What it runs and has committed is for people to see: the coordinator decides by neither, so it is left out. */
export function statusOf(
  name: string,
  { pool, className }: WorkerKind,
  slots: number,
): WorkerStatus {
  return {
    protocol: PROTOCOL_VERSION,
    name,
    pools: [pool],
    slots,
    pid: 1,
    host: 'simulated',
    numerics: simulatedNumerics(className),
    memoryBytes: 1,
    running: [],
    draining: false,
    committed: 0,
    leaving: false,
    gathered: { hits: 0, misses: 0, fallbacks: 0 },
  };
}

export function recordOf(
  { task, attempt }: TaskMessage,
  worker: string,
  seconds: number,
): ResultRecord {
  return {
    taskId: task.id,
    stage: task.stage,
    outputs: NO_OUTPUTS,
    worker,
    numericsClass: task.numericsClass,
    attempt,
    startedAt: STARTED_AT,
    seconds,
    busySeconds: seconds,
  };
}

function failure(
  code: FailureJson['code'],
  message: string,
  retry: FailureJson['retry'],
): FailureJson {
  return { code, message, retry, details: {} };
}
