// How the windows of a clip come together that is longer than one of them. Pure.

import { restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { LongClip } from '../../recipes/pipeline/job-base.ts';
import { longestShot, shotsOf } from '../../recipes/pipeline/shots.ts';
import type { CutClip } from '../../recipes/pipeline/shots.ts';
import { windowsOfShot } from '../../recipes/pipeline/windows.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

/** So many tasks a step keep any farm busy; more of them would only be more to keep track of. */
const BLOCKS_WANTED = 256;
const BLOCK_MAX = 64;
/** Windows that may hold a frame: a task gathers the copies of all its frames. */
const COPIES_MAX = 16;
/** Chains of steps: two inversions and smoothing. */
const CHAINS = 3;
/** What tasks read of others, in all: some 100 bytes each in the coordinator's memory. */
const READS_MAX = 20_000_000;

export interface LongClipRequest {
  /** Frames of a window, no more than the longest shot has. */
  readonly window: number;
  readonly steps: number;
  /** Takes what does not fit: `field: what`. */
  readonly problems: ProblemSink;
  /** What the lengths of window and shots rest on. @default nothing that could be wrong */
  readonly windowsRestOn?: readonly string[];
}

/** Undefined where windows are independent, or each shot has but one. */
export function longClipOf(
  spec: CutClip & Pick<RenderSpec, 'long' | 'windowStride' | 'windowBlock'>,
  { window, steps, problems, windowsRestOn = [] }: LongClipRequest,
): LongClip | undefined {
  const { long: mode = 'co-denoise', windowStride, windowBlock } = spec;
  const longest = longestShot(spec);
  const inMode = restingOn(problems, 'long');
  const inWindows = restingOn(problems, ...windowsRestOn);
  if (windowStride !== undefined && windowStride > window && window < longest) {
    inWindows.push(
      `windowStride: ${windowStride} frames, but a window is of ${window}: some frames would lie in none; ask for 1 to ${window}`,
    );
  }
  if (mode === 'independent') {
    const needless = { windowStride, windowBlock };
    for (const [field, value] of Object.entries(needless)) {
      if (value !== undefined)
        inMode.push(`${field}: is for windows that overlap; with long independent none do`);
    }
    return undefined;
  }
  if (mode === 'blend' && windowBlock !== undefined) {
    inMode.push('windowBlock: is for long co-denoise; with blend each window is a task of its own');
  }
  const stride = windowStride ?? Math.ceil(window / 2);
  if (Math.ceil(window / stride) > COPIES_MAX && longest > window) {
    restingOn(inWindows, 'long').push(
      `windowStride: ${stride} of ${window} frames makes ${Math.ceil(window / stride)} copies of each frame, and ${COPIES_MAX} at most are taken; ask for ${Math.ceil(window / COPIES_MAX)} or more`,
    );
  }
  // Windows of one frame have nothing to agree on.
  if (longest <= window || window === 1) return undefined;
  if (mode === 'blend') return { mode, stride };
  const counts = shotsOf(spec).map((shot) => {
    return windowsOfShot(shot.count, { length: window, stride }).count;
  });
  const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);
  const count = sum(counts);
  const block = windowBlock ?? Math.min(BLOCK_MAX, Math.ceil(count / BLOCKS_WANTED));
  const around = 2 * Math.ceil((Math.ceil(window / stride) - 1) / block) + 1;
  const blocks = sum(counts.map((windows) => Math.ceil(windows / block)));
  const reads = blocks * around * CHAINS * steps;
  if (reads > READS_MAX) {
    restingOn(inWindows, 'long', 'windowStride', 'steps').push(
      `windowBlock: ${count} windows of ${steps} steps, ${block} a task, are more than a coordinator can keep track of; ask for more windows a task (up to ${BLOCK_MAX}) or a longer windowStride`,
    );
  }
  return { mode, stride, block };
}
