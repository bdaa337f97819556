// What the bits of this machine's results depend on, by kind of work.

import type { NumericsClasses } from '../common/stage-facts.ts';
import { inferenceClass, plainClass } from './inference/numerics-class.ts';
import { codecBuild } from './media/codec-build.ts';

/** `inference`: of the device that graphs run on. */
export function ownClasses(inference = inferenceClass()): NumericsClasses {
  return { inference, media: codecBuild(), plain: plainClass() };
}
