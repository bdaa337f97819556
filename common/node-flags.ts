// How Node runs the program, wherever it is started from; scripts/with-node.sh says the same for a checkout.

/**
 * A small young generation: with V8's own the garbage of a program's first minute grew its memory to half as much again, and no program here is any
 * faster for it.
 */
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=2',
] as const;
