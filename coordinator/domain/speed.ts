// What makes the steps of drawing and smoothing cheaper, and the clip another one, a little: settings of their own, and `fast` for both.

import type { JobBase } from '../../recipes/pipeline/job-base.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

/** Measured on the shipped models: docs/samplers.md, "Steps that cost less". */
export const FAST = { guidanceEnd: 0.8, cacheInterval: 3 };

/** Absent where nothing is cheaper. */
export function speedOf({
  fast = false,
  ...asked
}: Pick<RenderSpec, 'fast' | 'guidanceEnd' | 'cacheInterval'>): Pick<
  JobBase,
  'guidanceEnd' | 'cacheInterval'
> {
  const usual = fast ? FAST : { guidanceEnd: 1, cacheInterval: 1 };
  const { guidanceEnd = usual.guidanceEnd, cacheInterval = usual.cacheInterval } = asked;
  return {
    ...(guidanceEnd < 1 && { guidanceEnd }),
    ...(cacheInterval > 1 && { cacheInterval }),
  };
}
