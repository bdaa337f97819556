#!/usr/bin/env bash
# onnxruntime-gpu 1.30.0: its extra `cuda` does not bring all libraries of CUDA that its provider is linked with: cuBLAS comes with the extra `cudnn`.
#
# Guess: `onnxruntime-gpu[cuda]` is all of CUDA that is needed, `[cudnn]` adds cuDNN, and only the driver is the machine's.
# Seen: after `[cuda]` alone the provider lacks libcublas.so.13 and libcublasLt.so.13, which it names before everything else, so it cannot be loaded on
# any machine without a CUDA toolkit. No extra names nvidia-cublas; nvidia-cudnn-cu13 requires it, so `[cuda,cudnn]` has it, and so has PyTorch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'onnxruntime-gpu[cuda]==1.30.0' \
  nvidia-cuda-nvrtc==13.5.37 nvidia-cuda-runtime==13.5.37 nvidia-cufft==12.5.0.14 nvidia-curand==10.4.5.25 nvidia-nvjitlink==13.5.37
site=$(echo env/lib/python3*/site-packages)
libraries=$(find "$PWD/$site/nvidia" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
{
  LD_LIBRARY_PATH=$libraries ldd "$site/onnxruntime/capi/libonnxruntime_providers_cuda.so" |
    awk '/not found/ && !/libcuda\.so/ {print $1, "not found"}' | sort
  grep -oE 'Requires-Dist: nvidia-[a-z0-9-]+' "$site"/onnxruntime_gpu-1.30.0.dist-info/METADATA | sort -u
} | tee seen.txt
diff seen.txt - <<'SEEN'
libcublas.so.13 not found
libcublasLt.so.13 not found
Requires-Dist: nvidia-cuda-nvrtc
Requires-Dist: nvidia-cuda-runtime
Requires-Dist: nvidia-cudnn-cu13
Requires-Dist: nvidia-cufft
Requires-Dist: nvidia-curand
SEEN
echo 'as it was'
