#!/bin/sh
# Sets the checkout up if need be, then runs a script of ours on Node 24: with-node.sh FILE [ARG ...].
# FILE is relative to the repository root; the working directory stays the caller's.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
sh "$root/scripts/setup.sh"
if [ -x "$root/.tools/node_modules/node/bin/node" ]; then
  PATH="$root/.tools/node_modules/node/bin:$PATH"
  export PATH
fi
# As scripts/get-cuda.sh brings them.
if [ -d "$root/.tools/cuda/lib" ]; then
  export LD_LIBRARY_PATH="$root/.tools/cuda/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
# Types are stripped and code is compiled once for each state of a file, not at every start: a quarter of a second of processor time and more.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE-$root/.tools/compile-cache}"
script=$1
shift
# As common/node-flags.ts says; other scripts are compilers and tests, which are faster with more room.
memory=
if [ "$script" = cli/main.ts ]; then
  memory='--max-semi-space-size=2 --heap-growing-percent=35 --external-memory-accounted-in-global-limit'
  export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX-2}"
  export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_-524288}"
  export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_-16777216}"
fi
# shellcheck disable=SC2086
exec node --disable-warning=ExperimentalWarning $memory "$root/$script" "$@"
