#!/bin/sh
# Of a bundle of gpu-check.sh: unpacks the parts beside it and checks. Ends within 8 minutes, whatever the machine does. Writes report.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
LIMIT_S=480
begun=$(date +%s)
left() { echo $((LIMIT_S - $(date +%s) + begun)); }
say() { printf '%s\n' "gpu-check: $*"; }

if [ ! -d bivdiff ]; then
  # Some machines have no xz, and Python knows it too.
  if command -v xz >/dev/null 2>&1; then cat part.* | xz -dc | tar -x; else
    cat part.* | python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)' | tar -x
  fi
fi
cd bivdiff
# CUDA and cuDNN as PyTorch's wheels bring them.
libraries=$(python3 -c 'import glob, os, nvidia; print(":".join(d for p in nvidia.__path__ for d in glob.glob(os.path.join(p, "*", "lib"))))' 2>/dev/null || true)
export LD_LIBRARY_PATH="${libraries:+$libraries:}/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
flags='--disable-warning=ExperimentalWarning --max-semi-space-size=2 --heap-growing-percent=35 --external-memory-accounted-in-global-limit'
say 'what is there'
# shellcheck disable=SC2086
timeout 60 node/node $flags cli/main.ts doctor --store "$here/store" || true
code=0
# shellcheck disable=SC2086
timeout "$(left)" node/node $flags bench/gpu/check.ts --full full --out "$here/report.md" "$@" || code=$?

device=cuda dtype=float16 small=
for word in "$@"; do
  case $word in
    cpu) device=cpu dtype=float32 ;;
    --small) small=--small ;;
  esac
done
if python3 -c 'import torch, diffusers, onnx' 2>/dev/null; then
  say 'the same models in PyTorch'
  # shellcheck disable=SC2086
  (cd models && timeout "$(left)" python3 -m parity.torch_steps --device $device --dtype $dtype $small) | tee -a "$here/report.md" || code=1
else
  say 'no PyTorch with diffusers and onnx here: nothing to compare with'
fi
say "took $(($(date +%s) - begun)) s; report.md is beside $0"
exit "$code"
