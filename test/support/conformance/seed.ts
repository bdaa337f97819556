// One seed for a run of randomised tests: `SEED=123` repeats a run. Bytes and numbers that depend on a label alone.

import { createHash } from 'node:crypto';

const chosen =
  process.env['SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['SEED']);
let isTold = false;

/** The seed of this run; printed once, so that a failure can be repeated. */
export function testSeed(): number {
  if (!isTold) process.stderr.write(`randomised tests: repeat this run with SEED=${chosen}\n`);
  isTold = true;
  return chosen;
}

export function bytesOf(label: string, length: number): Uint8Array {
  return createHash('shake256', { outputLength: Math.max(1, length) })
    .update(label)
    .digest()
    .subarray(0, length);
}

/** 0 or more, less than `below`. */
export function numberOf(label: string, below: number): number {
  return Buffer.from(bytesOf(label, 4)).readUInt32LE() % below;
}
