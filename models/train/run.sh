#!/usr/bin/env bash
# Retrains every model as the shipped ones were trained, exports them and measures them.
# About three hours on two cores. Resumes where it was cut. PYTHON: an interpreter that has
# requirements.txt; BIVDIFF_TRAIN_DIR: where checkpoints and logs go (~/.cache/bivdiff/train).
set -eu
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0
python=${PYTHON:-python}
"$python" -m train all
"$python" -m export demo
"$python" -m export check
"$python" -m quality --out demo/logs
"$python" -m quality.controls --out demo/logs
