// What the bits of this machine's results depend on, by kind of work.

import type { NumericsClasses } from '../common/stages.ts';
import { inferenceClass, plainClass } from './inference/numerics-class.ts';
import { codecBuild } from './media/codec-build.ts';

export function ownClasses(): NumericsClasses {
  return { inference: inferenceClass(), media: codecBuild(), plain: plainClass() };
}
