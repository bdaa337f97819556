// What the wavefront bench is of.

export const WORKERS = 8;
export const FRAMES = 512;
export const WINDOW = 16;
export const STRIDE = 8;
export const STEPS = 50;
/** Of a step of a window, on average, and the sigma of its logarithm. */
export const WINDOW_MS = 200;
export const SPREAD = 0.1;
/** Of a frame at 512x512: channels, height, width. */
export const LATENTS = [4, 64, 64] as const;
