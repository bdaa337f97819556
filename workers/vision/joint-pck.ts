// Whether the joints of a frame are where they should be: the percentage of correct keypoints (PCK), as a share. Pure. Definition:
// docs/metrics.md.

import type { PlaneSize } from './resample.ts';
import type { Joint } from './skeleton.ts';

/** Pixels where the shorter side has 128, in proportion elsewhere. */
const TOLERANCE = 4;
const TOLERANCE_AT = 128;

/**
 * Of the joints that are expected, the share, 0..1, that is found within the tolerance. A joint below `threshold` is not there. A frame in which
 * none is expected keeps to that (1) if none is found, else not (0).
 */
export function jointPckOfFrame(
  expected: readonly Joint[],
  found: readonly Joint[],
  { threshold, width, height }: PlaneSize & { readonly threshold: number },
): number {
  const isThere = (joint: Joint | undefined): joint is Joint => {
    return joint !== undefined && joint.score >= threshold;
  };
  const tolerance = (TOLERANCE * Math.min(width, height)) / TOLERANCE_AT;
  const wanted = expected.map((joint, index) => ({ joint, own: found[index] }));
  const asked = wanted.filter(({ joint }) => isThere(joint));
  if (asked.length === 0) return found.some(isThere) ? 0 : 1;
  const right = asked.filter(({ joint, own }) => {
    return isThere(own) && Math.hypot(own.x - joint.x, own.y - joint.y) <= tolerance;
  });
  return right.length / asked.length;
}
