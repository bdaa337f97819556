// How many frames go through a VAE in one call, so that memory does not grow with their number. Pure.

/** Pixels in one call, or two frames if these are more: two of 512x512, or sixteen of 128x128. */
const PIXELS_AT_ONCE = 512 * 512;
/** One frame alone leaves threads idle, or is computed twice (workers/inference/lanes/lone-sample.ts). */
const FRAMES_AT_ONCE_MIN = 2;

export function vaeFramesAtOnce(framePixels: number): number {
  return Math.max(FRAMES_AT_ONCE_MIN, Math.floor(PIXELS_AT_ONCE / framePixels));
}
