// Runs before a program of a farm that a test wants to fail at a named place: `node --import`, see farm-program.ts.

import { armFailurePoints } from '../../../common/failure-points/failure-point.ts';
import type { FailurePoint } from '../../../common/failure-points/failure-point.ts';

export interface FailAt {
  readonly point: FailurePoint;
  /** Of which stage, or kind of entry. @default any */
  readonly of?: string;
  /** The how manieth time that it comes there. @default 1 */
  readonly pass?: number;
  /** It dies there, or stands still. @default SIGKILL */
  readonly signal?: 'SIGKILL' | 'SIGSTOP';
}

export const FAIL_AT_VARIABLE = 'BIVDIFF_TEST_FAIL_AT';

// Processes and threads that the program starts inherit the option; only the program itself passes such places.
const text = process.env[FAIL_AT_VARIABLE];
if (text !== undefined) arm(JSON.parse(text) as FailAt);

function arm({ point, of, pass = 1, signal = 'SIGKILL' }: FailAt): void {
  let passes = 0;
  armFailurePoints((at, what) => {
    if (at !== point || (of !== undefined && what !== of)) return;
    passes += 1;
    if (passes === pass) process.kill(process.pid, signal);
  });
}
