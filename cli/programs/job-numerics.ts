// Of which numerics class the jobs are that a coordinator takes: a part of what they are, so it is settled when they come.

import { BivdiffError } from '../../common/errors.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { numericsKeyOf } from '../../common/stage-facts.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import { ownClasses } from '../../workers/own-classes.ts';

/** As the name of a class: whichever the workers that draw frames have. */
export const OF_WORKERS = 'workers';

export interface JobNumericsOptions {
  /** A class of inference, or OF_WORKERS. @default this machine's processors' */
  readonly named?: string | undefined;
  /** Those heard of lately. */
  readonly workers: () => readonly WorkerStatus[];
  /** Newest first; undefined of those whose specs were not read. */
  readonly jobs: () => readonly { readonly numerics: NumericsClasses | undefined }[];
}

/** @throws (what it gives) unavailable — OF_WORKERS, and no worker has said yet which it has */
export function jobNumerics(options: JobNumericsOptions): () => NumericsClasses {
  const { named, workers, jobs } = options;
  if (named !== OF_WORKERS) {
    const classes = ownClasses(named);
    return () => classes;
  }
  let last: NumericsClasses | undefined;
  return () => {
    const there = slotsByClass(workers());
    last ??= jobs().find(({ numerics }) => numerics !== undefined)?.numerics;
    // One class while it is there at all: equal jobs shall be one, whoever joins.
    if (last === undefined || (there.size > 0 && !there.has(numericsKeyOf(last)))) {
      const [most] = [...there].toSorted(
        ([key, one], [other, two]) => two.slots - one.slots || (key < other ? -1 : 1),
      );
      last = most?.[1].numerics;
    }
    if (last !== undefined) return last;
    throw new BivdiffError('unavailable', 'no worker that draws frames has been there yet', {
      hint: 'What a job’s bytes depend on is the numerics class of its workers: start a worker of pool idm, or name the class with --numerics.',
    });
  };
}

function slotsByClass(workers: readonly WorkerStatus[]) {
  const classes = new Map<string, { readonly numerics: NumericsClasses; slots: number }>();
  for (const { protocol, pools, numerics, slots } of workers) {
    if (protocol !== PROTOCOL_VERSION || !pools.includes('idm')) continue;
    const key = numericsKeyOf(numerics);
    const known = classes.get(key) ?? { numerics, slots: 0 };
    known.slots += slots;
    classes.set(key, known);
  }
  return classes;
}
