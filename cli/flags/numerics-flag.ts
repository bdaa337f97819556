// `--numerics`: what may be said for the class that a coordinator's jobs are for.

import { BivdiffError } from '../../common/errors.ts';

/** As the name of a class: whichever the workers have. */
export const OF_WORKERS = 'workers';
/** What a class of inference looks like (workers/inference/numerics-class.ts). */
const CLASS = /^[^\s/:]+:\S+\/onnxruntime-[^\s/]+\/v8-[^\s/]+$/;

/** @throws invalid-argument — it is no class that a worker could have */
export function checkNumerics(named: string | undefined): void {
  if (named === undefined || named === OF_WORKERS || CLASS.test(named)) return;
  const message = `--numerics: expected ${OF_WORKERS} or a class such as cpu:x64-avx2/onnxruntime-1.30.0/v8-13.6, got "${named}"`;
  throw new BivdiffError('invalid-argument', message, {
    hint: '`bivdiff workers --json` shows the class of each worker. It changes with versions.',
  });
}
