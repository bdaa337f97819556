// Where one shot ends and another begins, by how much frames differ from those before them. Pure.
//
// As PySceneDetect's adaptive detector, a change counts only if it is large beside those around it, so that motion, however fast, is none; as in FFmpeg's
// scdet, differences are means over the picture. Unlike in either, what is around is told by its largest change, not by the mean or by the change before: so a
// frame or two of flash, which change the picture twice, are no shot, and neither are a fade or a dissolve over several frames.

/** Of 255 levels: PySceneDetect's least. Scdet's default, a tenth of all levels, would miss cuts between scenes of one brightness. */
const CHANGE_MIN = 10;
/** How much larger it is than any around it. */
const TIMES_MIN = 2;
/** Changes on each side that are looked at, which is also the frames of the longest flash. */
export const CHANGES_AROUND = 2;

/** Mean absolute difference over all values of two pictures of one size, 0..255. */
export function changeBetween(before: Uint8Array, after: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < after.length; i += 1) sum += Math.abs(after[i]! - before[i]!);
  return sum / after.length;
}

/** Places of the changes with which a shot begins: `changes[i]` is that from frame i to frame i + 1. At the ends there are fewer around. */
export function shotChanges(changes: readonly number[]): number[] {
  return changes.flatMap((change, i) => {
    const before = changes.slice(Math.max(0, i - CHANGES_AROUND), i);
    const after = changes.slice(i + 1, i + 1 + CHANGES_AROUND);
    const around = Math.max(0, ...before, ...after);
    return change >= CHANGE_MIN && change >= TIMES_MIN * around ? [i] : [];
  });
}
