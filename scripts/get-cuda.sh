#!/bin/sh
# Brings ONNX Runtime's provider for NVIDIA's GPUs to a checkout, and the libraries of CUDA and cuDNN that it loads, out of PyPI's wheels: npm's
# package has none. For x64 Linux with glibc; needs Python with pip and 4 GB of disk (2.4 GB remain, in .tools/cuda), and no CUDA toolkit. The driver is
# not brought. Safe to run again.
# `bin/bivdiff` finds the libraries by itself; `bivdiff doctor` says what is still missing.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cuda="$root/.tools/cuda"
python=${BIVDIFF_PYTHON:-python3}

say() { printf '%s\n' "get-cuda: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

[ $# -eq 0 ] || fail "it takes no arguments; got '$*'"
[ "$(uname -s) $(uname -m)" = 'Linux x86_64' ] || fail "the wheels are for x64 Linux; this is $(uname -s) $(uname -m)."
"$python" -m pip --version >/dev/null 2>&1 ||
  fail "'$python' has no pip (Debian: apt-get install python3-pip). Another Python: BIVDIFF_PYTHON=/path/to/python $0"
sh "$root/scripts/setup.sh"

# Whole or not at all: what was there before stays until the new is complete.
new=$(mktemp -d "$root/.tools/cuda-XXXXXX")
trap 'rm -rf "$new"' EXIT
say 'getting 1.5 GB from PyPI'
# Of whatever Python runs pip, the wheels are those of one version: nothing of Python in them is used.
"$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --no-cache-dir --only-binary :all: \
  --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64 --python-version 3.13 --implementation cp --target "$new/wheels" --requirement "$root/images/cuda-requirements.txt" >&2 ||
  fail 'pip could not get the wheels (see the lines above). Is PyPI reachable, and is there room?'
sh "$root/images/collect-cuda.sh" "$new/wheels" "$new/cuda"
rm -rf "$new/wheels"

rm -rf "$cuda"
mv "$new/cuda" "$cuda"
# ONNX Runtime looks for its providers beside itself.
for provider in "$cuda"/providers/*; do
  ln -sf "$provider" "$root/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/"
done
say "$(du -sh "$cuda" | cut -f1) in $cuda"
