#!/bin/sh
# Takes out of node_modules what an image does not run: trim-packages.sh PROGRAM, in the folder that holds node_modules.
# ONNX Runtime's package brings the libraries of every system; the coordinator runs no graph, and only asks which version it is; workers do not
# talk to Kubernetes.
set -eu
program=$1
here="$(node -p 'process.platform')/$(node -p 'process.arch')"
libraries=node_modules/onnxruntime-node/bin/napi-v6
[ -d "$libraries/$here" ] || {
  echo "trim-packages: $libraries/$here is not there: does ONNX Runtime's package look different now?" >&2
  exit 1
}

case $program in
  coordinator) rm -rf "$libraries" ;;
  worker)
    for folder in "$libraries"/*/*; do
      [ "$folder" = "$libraries/$here" ] || rm -rf "$folder"
    done
    rm -rf node_modules/@kubernetes
    ;;
  *)
    echo "trim-packages: coordinator or worker, not $program" >&2
    exit 1
    ;;
esac
# Nobody reads types and maps there.
find node_modules \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -type f -delete
