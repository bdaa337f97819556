// How much memory there is for this process: the machine's, or what its container may have of it.

import { totalmem } from 'node:os';

/** Bytes. */
export function machineMemory(): number {
  return smallerLimit(process.constrainedMemory(), totalmem());
}

/** `limit` is a container's; where there is none it is 0, or more than any machine has. */
export function smallerLimit(limit: number | undefined, machineBytes: number): number {
  return limit === undefined || limit <= 0 ? machineBytes : Math.min(limit, machineBytes);
}

/** Of main memory: the rest is for what loading takes for a moment, for programs, and for everybody else. */
const MODEL_SHARE = 0.5;

/** What models and their runs may fill of main memory, if nobody says. Bytes. */
export function modelMemory(): number {
  return Math.floor(machineMemory() * MODEL_SHARE);
}
