// How Node runs the program, wherever it is started from; scripts/with-node.sh says the same for a checkout.

/**
 * A small young generation: with V8's own the garbage of a program's first minute grew its memory to half as much again, and no program here is any
 * faster for it. And bytes outside of V8's heap count with it: by a limit of their own each 80 MB of passing tensors and messages cost a full
 * collection, a quarter of what a worker that hands on latents did.
 */
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=2',
  '--external-memory-accounted-in-global-limit',
] as const;

/**
 * glibc gives memory back to the machine if it may not raise its threshold for mapped blocks (from 131,072 bytes up to 32 MiB, mallopt(3)) and keeps no
 * heap for each thread: a released model's weights, the latents of past windows. Other C libraries ignore both.
 */
export const NODE_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
} as const;
