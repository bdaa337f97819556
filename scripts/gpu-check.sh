#!/bin/sh
# What a GPU gives and takes, on a machine that has nothing but Linux, a driver and (for CUDA's libraries and the comparison) PyTorch for CUDA 13:
#   scripts/gpu-check.sh bundle FOLDER     here: parts of at most 60 MB each, and run.sh, to be carried there
#   sh FOLDER/run.sh [--device cuda] ...   there, no network needed: unpacks beside itself, checks, writes report.md
# The bundle has Node, the packages that a worker needs, the models that ship, ONNX Runtime's provider for CUDA (scripts/get-cuda.sh brings it first), and
# graphs of the real size, whose weights are made up there; these, and the shipped ones, in float16 too. That takes Python with models/requirements.txt ($BIVDIFF_PYTHON); without it the bundle has none.
# What run.sh is given goes to bench/gpu/check.ts; `--device cpu --small` rehearses it all on a processor.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
say() { printf '%s\n' "gpu-check: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

[ "${1-}" = bundle ] && [ $# -eq 2 ] || fail "usage: $0 bundle FOLDER"
[ ! -e "$2" ] || fail "$2 is there already: remove it, or name another folder"
git -C "$root" rev-parse HEAD >/dev/null 2>&1 || fail "$root is no git checkout: the bundle is made of what is committed"
[ -d "$root/.tools/cuda/providers" ] || sh "$root/scripts/get-cuda.sh"
sh "$root/scripts/setup.sh"
[ -x "$root/.tools/node_modules/node/bin/node" ] && PATH="$root/.tools/node_modules/node/bin:$PATH"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
app="$work/bivdiff"
mkdir "$app"
git -C "$root" archive HEAD -- . ':!test' ':!docs' ':!findings' ':!helm' | tar -x -C "$app"
say "packages"
# Not `npm ci`: see scripts/setup.sh.
(cd "$app" && npm install --no-save --omit=dev --no-audit --no-fund --loglevel=error >&2 && sh images/trim-packages.sh worker)
cp "$root"/.tools/cuda/providers/*.so "$app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/"
mkdir "$app/node"
cp "$(command -v node)" "$app/node/node"
python=${BIVDIFF_PYTHON:-python3}
if (cd "$root/models" && "$python" -c 'import torch, diffusers, onnx' 2>/dev/null); then
  say 'graphs of the real size (some minutes)'
  (cd "$root/models" && "$python" -m parity.full_size "$app/full") >&2
  say 'the shipped graphs in float16'
  cp -R "$app/models/demo" "$work/half"
  (cd "$root/models" && "$python" -m export graphs "$work/half" --compute fp16) >&2
  (cd "$work/half" && find . -name '*.onnx') | while read -r graph; do
    cp "$work/half/$graph" "$app/models/demo/${graph%.onnx}.fp16.onnx"
  done
else
  say "$python has not what models/requirements.txt names: the bundle gets no graphs of the real size, and none in float16"
fi
say 'packing'
mkdir -p "$2"
tar -c -C "$work" bivdiff | xz -3 -T0 | split -b 60000000 - "$2/part."
cp "$root/scripts/gpu-check-run.sh" "$2/run.sh"
say "$(du -sh "$2" | cut -f1) in $(ls "$2"/part.* | wc -l) parts in $2"
