#!/usr/bin/env bash
# onnxruntime 1.30.0 (CPU provider, Linux x64, glibc): the last bits of `com.microsoft.MultiHeadAttention` depend on how large the second cache is.
#
# Guess: on machines with the same instruction sets a graph has the same bits, as convolutions and products do; or only threads matter.
# Seen: threads change nothing. But the operator goes through keys in blocks for which the second cache has room, as sysconf(3) tells it, and rounds
# block by block: with 1,024 positions in 8 heads of 64, half a MiB, one and two give three results. With 256 positions one block holds all, and there
# is no difference. Without blocks (ORT_DISABLE_FLASH_ATTENTION=1) the result is a fourth, whatever the cache.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.30.0 onnx==1.22.0 numpy==2.3.5
# Tells another size of the second cache, and of all else what the system says.
cat > cache.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

long sysconf(int name) {
  const char *told = getenv("SECOND_CACHE");
  if (told && name == _SC_LEVEL2_CACHE_SIZE) return atol(told);
  return ((long (*)(int))dlsym(RTLD_NEXT, "sysconf"))(name);
}
C
cc -shared -fPIC -o cache.so cache.c -ldl
cat > run.py <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

HEADS, WIDTH = 8, 512


def attention(positions, threads):
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, positions, WIDTH])
    node = helper.make_node("MultiHeadAttention", list("qkv"), ["y"], domain="com.microsoft", num_heads=HEADS)
    graph = helper.make_graph([node], "attention", [value(name) for name in "qkv"], [value("y")])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(1)
    feeds = {name: random.standard_normal((1, positions, WIDTH)).astype("f4") for name in "qkv"}
    return session.run(None, feeds)[0].tobytes()


for positions in (256, 1024):
    results = [attention(positions, threads) for threads in (1, 2, 4)]
    assert len(set(results)) == 1, "threads change bits"
    sys.stdout.buffer.write(results[0])
PY
run() { env "$@" env/bin/python run.py; }
for kib in 512 1024 2048; do
  run LD_PRELOAD="$PWD/cache.so" SECOND_CACHE=$((kib * 1024)) > "blocks-$kib"
  run LD_PRELOAD="$PWD/cache.so" SECOND_CACHE=$((kib * 1024)) ORT_DISABLE_FLASH_ATTENTION=1 > "whole-$kib"
done
small=$((256 * 512 * 4))
{
  for name in blocks whole; do
    for part in "256 head" "1024 tail"; do
      read -r positions end <<< "$part"
      count=$(for kib in 512 1024 2048; do
        if [ "$end" = head ]; then head -c "$small" "$name-$kib"; else tail -c +$((small + 1)) "$name-$kib"; fi | sha256sum
      done | sort -u | wc -l)
      echo "$name, $positions positions: $count different results of three caches"
    done
  done
} | tee seen.txt
diff seen.txt - <<'SEEN'
blocks, 256 positions: 1 different results of three caches
blocks, 1024 positions: 3 different results of three caches
whole, 256 positions: 1 different results of three caches
whole, 1024 positions: 1 different results of three caches
SEEN
echo 'as it was'
