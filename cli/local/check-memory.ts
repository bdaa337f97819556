// Whether a render fits into this process, told before its sources are copied.

import type { PartLookup } from '../../common/models/part-facts.ts';
import { checkMemoryFit } from '../../coordinator/domain/memory-fit.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { machineMemory } from '../../workers/machine-memory.ts';
import { moreMemoryText } from './more-memory.ts';

export interface LocalMemory {
  readonly slots: number;
  /** Of each slot. */
  readonly threads: number;
  /** That models and their runs may fill, in all slots. */
  readonly memoryBytes: number;
  readonly partOf: PartLookup;
  /** Of the models: width and height are multiples of it. */
  readonly sizeMultiple: number;
}

/** @throws resource-exhausted — it does not fit */
export function checkLocalMemory(
  job: AcceptedJob,
  { slots, threads, memoryBytes, partOf, sizeMultiple }: LocalMemory,
): void {
  const ofSlot = Math.floor(memoryBytes / slots);
  checkMemoryFit(job, {
    ...{ threads, slots, partOf, sizeMultiple },
    ...{ hasBytes: () => ofSlot, retry: 'never' },
    whose: slots === 1 ? 'this process' : `each of ${slots} slots`,
    moreMemory: (need) => moreMemoryText(need, { slots, machineBytes: machineMemory() }),
  });
}
