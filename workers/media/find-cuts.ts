// Cuts of a source: its frames are decoded as for ingest, but small, and compared with those before them. Memory does not grow with their size, and by a number a
// frame with their count.

import { changeBetween, CHANGES_AROUND, shotChanges } from '../vision/shot-changes.ts';
import type { MediaService } from './media-service.ts';

/** Enough to tell scenes apart; grain and small motion are averaged away. */
const SIDE = 64;

export interface CutSearch {
  readonly path: string;
  /** Frames of the source. */
  readonly frames: number;
  /** Cuts are looked for between these, both among them. */
  readonly first: number;
  readonly last: number;
}

/**
 * The frames with which another shot begins, rising, after `first` and up to `last`. Frames around these are looked at too, so that a cut does not depend on where a
 * clip begins or ends.
 * @throws as `MediaService.decode`
 */
export async function findCuts(
  media: Pick<MediaService, 'decode'>,
  { path, frames, first, last }: CutSearch,
  {
    onFrame,
    ...options
  }: {
    readonly signal?: AbortSignal;
    /** Told how many frames were looked at, of how many. */
    readonly onFrame?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<readonly number[]> {
  const from = Math.max(0, first - CHANGES_AROUND);
  const end = Math.min(frames, last + CHANGES_AROUND + 1);
  const indices = Array.from({ length: end - from }, (_, i) => from + i);
  const size = { width: SIDE, height: SIDE };
  const changes: number[] = [];
  let before: Uint8Array | undefined;
  let done = 0;
  for await (const { rgb } of media.decode({ path, indices, size, resize: 'stretch' }, options)) {
    if (before !== undefined) changes.push(changeBetween(before, rgb));
    before = rgb;
    done += 1;
    onFrame?.(done, indices.length);
  }
  return shotChanges(changes)
    .map((place) => from + place + 1)
    .filter((cut) => cut > first && cut <= last);
}
