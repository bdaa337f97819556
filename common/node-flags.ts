// How Node runs the program, wherever it is started from; scripts/with-node.sh says the same for a checkout.

/**
 * A small young generation: with V8's own the garbage of a program's first minute grew its memory to half as much again, and no program here is any
 * faster for it. Collections from a third more garbage on: V8 by itself lets a heap grow to three times what is in use where little is done in
 * JavaScript, as in a worker (34 to 87 MiB). And bytes outside of V8's heap count with it: by the limit that they else have of their own, passing
 * tensors and messages cost one full collection after the other, however small the heap is.
 */
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=2',
  '--heap-growing-percent=35',
  '--external-memory-accounted-in-global-limit',
] as const;

/**
 * glibc gives memory back to the machine if its thresholds are fixed, which else rise with what is freed (to 32 and 64 MiB, mallopt(3)), and if threads
 * share heaps: a released model's weights, the latents of past windows. From 512 KiB on: most of a graph's weights are larger, and those that are not
 * keep the heap from being cut, while messages are smaller, whose mappings would cost a page fault every 4 KiB. Other C libraries ignore all three.
 */
export const NODE_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '524288',
  MALLOC_TRIM_THRESHOLD_: '16777216',
} as const;
