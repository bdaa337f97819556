#!/bin/sh
# Gathers what ONNX Runtime needs for NVIDIA out of Python wheels: collect-cuda.sh WHEELS TO makes TO/providers (for ONNX Runtime's own
# folder), TO/lib (for the loader) and TO/licenses.
set -eu
wheels=$1
to=$2
mkdir -p "$to/providers" "$to/lib" "$to/licenses"

for provider in shared cuda tensorrt; do
  cp "$wheels/onnxruntime/capi/libonnxruntime_providers_$provider.so" "$to/providers/"
done
# Stubs stand for the driver, which the node has.
find "$wheels/nvidia" -name '*.so*' -not -path '*/stubs/*' -type f -exec cp {} "$to/lib/" \;
for info in "$wheels"/*.dist-info; do
  package=$(basename "$info" .dist-info)
  find "$info" \( -iname 'licen[cs]e*' -o -iname 'ThirdParty*' \) -type f -exec sh -c '
    mkdir -p "$1" && cp "$2" "$1/"' sh "$to/licenses/$package" {} \;
done
[ -n "$(ls "$to/lib")" ] || {
  echo "collect-cuda: no libraries in $wheels/nvidia: do the wheels look different now?" >&2
  exit 1
}
