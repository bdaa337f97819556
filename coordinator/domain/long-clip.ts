// How the windows of a clip come together that is longer than one of them. Pure.

import type { LongClip } from '../../recipes/pipeline/job-base.ts';
import { overlappingWindows } from '../../recipes/pipeline/windows.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

/** So many tasks a step keep any farm busy; more of them would only be more to keep track of. */
const BLOCKS_WANTED = 256;
const BLOCK_MAX = 64;

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
  if (mode === 'blend') return { mode, stride };
  const { count } = overlappingWindows(spec.frames, { length: window, stride });
  const block = windowBlock ?? Math.min(BLOCK_MAX, Math.ceil(count / BLOCKS_WANTED));
  return { mode, stride, block };
}
