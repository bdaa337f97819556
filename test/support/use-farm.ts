// A farm for each fault test, and what the job's video must be: the bytes that an undisturbed render in one process makes.

import { afterEach, beforeAll } from 'vitest';

import { FaultFarm, referenceOf } from './fault-farm.ts';
import type { FarmOptions } from './fault-farm.ts';

export interface FarmHarness {
  /** Starts this test's farm; closed after it. */
  start(options?: FarmOptions): Promise<FaultFarm>;
  readonly reference: () => string;
}

export function useFarm(): FarmHarness {
  let reference = '';
  let farm: FaultFarm | undefined;
  beforeAll(async () => {
    reference = await referenceOf();
  });
  afterEach(async () => {
    await farm?.close();
    farm = undefined;
  });
  return {
    start: async (options) => (farm = await FaultFarm.start(options)),
    reference: () => reference,
  };
}
