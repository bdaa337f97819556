// Whether a render fits into this process, told before its sources are copied: the job is made as acceptance will make it, but for what sources are called.

import { partMemoryOf } from '../../common/models/part-memory.ts';
import type { ModelSet } from '../../common/models/model-set.ts';
import type { Digest } from '../../common/task.ts';
import { acceptSpec } from '../../coordinator/domain/accept.ts';
import type { SourceFacts } from '../../coordinator/domain/check-sources.ts';
import { checkMemoryFit } from '../../coordinator/domain/memory-fit.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { machineMemory } from '../../workers/machine-memory.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import { memoryGibText } from '../output/format.ts';

/** A source that was looked at and not copied yet. */
export type SeenSource = Omit<SourceFacts, 'kind' | 'digest'>;

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

const UNNAMED = { kind: 'video', digest: '0'.repeat(64) as Digest } as const;

/** @throws resource-exhausted — it does not fit */
export function checkLocalMemory(
  { spec, models, source, sources }: SeenRender,
  { slots, threads, memoryBytes }: LocalMemory,
): void {
  const unnamed = Object.entries(sources).map(([name, seen]) => [name, { ...seen, ...UNNAMED }]);
  let job: AcceptedJob;
  try {
    job = acceptSpec({
      ...{ spec, models, numerics: ownClasses() },
      source: { ...source, ...UNNAMED },
      sources: Object.fromEntries(unnamed) as Record<string, SourceFacts>,
    });
  } catch {
    // Whatever is wrong with it, acceptance will say.
    return;
  }
  const ofSlot = Math.floor(memoryBytes / slots);
  checkMemoryFit(job, {
    ...{ threads, slots, partOf: partMemoryOf(models), sizeMultiple: models.sizeMultiple },
    ...{ hasBytes: () => ofSlot, retry: 'never' },
    whose: slots === 1 ? 'this process' : `each of ${slots} slots`,
    moreMemory: (bytes) => {
      const all = bytes * slots;
      return all > machineMemory() ? 'a machine with more memory' : memoryGibText(all);
    },
  });
}
