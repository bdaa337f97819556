// Whether a render fits into this process, told before its sources are copied: the job is made as acceptance will make it, but for what sources are called.

import type { ModelSet } from '../../common/models/model-set.ts';
import { acceptSpec } from '../../coordinator/domain/accept.ts';
import { unnamedSource } from '../../coordinator/domain/check-sources.ts';
import type { SeenSource } from '../../coordinator/domain/check-sources.ts';
import { checkMemoryFit } from '../../coordinator/domain/memory-fit.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { partFactsOf } from '../../workers/inference/onnx/part-facts.ts';
import { machineMemory } from '../../workers/machine-memory.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import { moreMemoryText } from './more-memory.ts';

export interface LocalMemory {
  readonly slots: number;
  /** Of each slot. */
  readonly threads: number;
  /** That models and their runs may fill, in all slots. */
  readonly memoryBytes: number;
}

export interface SeenRender {
  readonly spec: RenderSpec;
  readonly models: ModelSet;
  readonly source: SeenSource;
  readonly sources: Readonly<Record<string, SeenSource>>;
}

/** @throws resource-exhausted — it does not fit */
export function checkLocalMemory(
  { spec, models, source, sources }: SeenRender,
  { slots, threads, memoryBytes }: LocalMemory,
): void {
  const unnamed = Object.entries(sources).map(
    ([name, seen]) => [name, unnamedSource(seen)] as const,
  );
  const partOf = partFactsOf(models);
  let job: AcceptedJob;
  try {
    job = acceptSpec({
      ...{ spec, models, partOf, numerics: ownClasses() },
      source: unnamedSource(source),
      sources: Object.fromEntries(unnamed),
    });
  } catch {
    // Whatever is wrong with it, acceptance will say.
    return;
  }
  const ofSlot = Math.floor(memoryBytes / slots);
  checkMemoryFit(job, {
    ...{ threads, slots, partOf, sizeMultiple: models.sizeMultiple },
    ...{ hasBytes: () => ofSlot, retry: 'never' },
    whose: slots === 1 ? 'this process' : `each of ${slots} slots`,
    moreMemory: (need) => moreMemoryText(need, { slots, machineBytes: machineMemory() }),
  });
}
