// The shots of a clip, for people.

import { shotsOf } from '../../recipes/pipeline/shots.ts';
import type { CutClip } from '../../recipes/pipeline/shots.ts';

/** Of more shots, the first are told. */
const TOLD_MAX = 12;

/** `3, from frames 0, 13, 25`; undefined where there is but one. */
export function shotsText(clip: CutClip): string | undefined {
  if (clip.cuts === undefined) return undefined;
  const starts = shotsOf(clip).map(({ start }) => start);
  return shotStartsText(starts.length, starts);
}

/** The same of so many, of which the first frames are these; not all need be there. */
export function shotStartsText(count: number, starts: readonly number[]): string {
  const more = count > TOLD_MAX ? ['…'] : [];
  return `${count}, from frames ${[...starts.slice(0, TOLD_MAX), ...more].join(', ')}`;
}
