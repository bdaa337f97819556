// Of which numerics class the jobs are that a coordinator takes: a part of what they are, so it is settled when they come.

import { BivdiffError } from '../../common/errors.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { numericsKeyOf } from '../../common/stage-facts.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import type { Pool } from '../../common/task.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import { OF_WORKERS } from '../flags/numerics-flag.ts';

export interface JobNumericsOptions {
  /** A class of inference, or OF_WORKERS. @default this machine's processors' */
  readonly named?: string | undefined;
  /** Resolves when who is there has been heard: before, the first to be heard would decide. */
  readonly heard: Promise<unknown>;
  /** Those heard of lately. */
  readonly workers: () => readonly WorkerStatus[];
  /** Newest first; undefined of those whose specs were not read. */
  readonly jobs: () => readonly { readonly numerics: NumericsClasses | undefined }[];
}

/** @throws (what it gives) unavailable — OF_WORKERS, and no worker has said yet which it has */
export function jobNumerics(options: JobNumericsOptions): () => Promise<NumericsClasses> {
  const { named, heard, workers, jobs } = options;
  if (named !== OF_WORKERS) {
    const classes = ownClasses(named);
    return async () => Promise.resolve(classes);
  }
  let last: NumericsClasses | undefined;
  return async () => {
    await heard;
    const there = ranked(workers());
    last ??= jobs().find(({ numerics }) => numerics !== undefined)?.numerics;
    const known = last && there.find(({ key }) => key === numericsKeyOf(last!));
    // One class for as long as it does as much as any other: equal jobs shall be one, whoever joins.
    if (known === undefined || known.pools.size < there[0]!.pools.size) {
      last = there[0]?.numerics ?? last;
    }
    if (last !== undefined) return last;
    throw new BivdiffError('unavailable', 'no worker that draws frames has been there yet', {
      hint: 'What a job’s bytes depend on is the numerics class of its workers: start a worker of pool idm, or name the class with --numerics.',
    });
  };
}

interface WorkersOfClass {
  readonly key: string;
  readonly numerics: NumericsClasses;
  /** That its workers serve together: a job needs all. */
  readonly pools: Set<Pool>;
  /** Of those that draw. */
  slots: number;
}

/** Classes that can draw, first those whose workers can do most of a job. */
function ranked(workers: readonly WorkerStatus[]): readonly WorkersOfClass[] {
  const ours = workers.filter(({ protocol }) => protocol === PROTOCOL_VERSION);
  const staying = classesOf(ours.filter(({ draining }) => !draining));
  // Those that merely rest say that they drain too.
  return staying.length > 0 ? staying : classesOf(ours);
}

function classesOf(workers: readonly WorkerStatus[]): readonly WorkersOfClass[] {
  const classes = new Map<string, WorkersOfClass>();
  for (const { pools, numerics, slots } of workers) {
    const key = numericsKeyOf(numerics);
    const known = classes.get(key) ?? { key, numerics, pools: new Set(), slots: 0 };
    classes.set(key, known);
    for (const pool of pools) known.pools.add(pool);
    if (pools.includes('idm')) known.slots += slots;
  }
  return [...classes.values()]
    .filter(({ pools }) => pools.has('idm'))
    .toSorted(
      (a, b) => b.pools.size - a.pools.size || b.slots - a.slots || (a.key < b.key ? -1 : 1),
    );
}
