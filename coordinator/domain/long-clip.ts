// How the windows of a clip come together that is longer than one of them. Pure.

import type { LongClip } from '../../recipes/pipeline/job-base.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

const BLOCK_DEFAULT = 1;

export interface LongClipRequest {
  /** Frames of a window, no more than there are. */
  readonly window: number;
  /** Takes what does not fit: `field: what`. */
  readonly problems: string[];
}

/** Undefined where windows are independent, or there is but one. */
export function longClipOf(
  spec: Pick<RenderSpec, 'frames' | 'long' | 'windowStride' | 'windowBlock'>,
  { window, problems }: LongClipRequest,
): LongClip | undefined {
  const { long: mode = 'co-denoise', windowStride, windowBlock } = spec;
  if (windowStride !== undefined && windowStride > window && window < spec.frames) {
    problems.push(
      `windowStride: ${windowStride} frames, but a window is of ${window}: some frames would lie in none; ask for 1 to ${window}`,
    );
  }
  if (mode === 'independent') {
    const needless = { windowStride, windowBlock };
    for (const [field, value] of Object.entries(needless)) {
      if (value !== undefined)
        problems.push(`${field}: is for windows that overlap; with long independent none do`);
    }
    return undefined;
  }
  if (mode === 'blend' && windowBlock !== undefined) {
    problems.push(
      'windowBlock: is for long co-denoise; with blend each window is a task of its own',
    );
  }
  // Windows of one frame have nothing to agree on.
  if (spec.frames <= window || window === 1) return undefined;
  const stride = windowStride ?? Math.ceil(window / 2);
  return { mode, stride, ...(mode === 'co-denoise' && { block: windowBlock ?? BLOCK_DEFAULT }) };
}
