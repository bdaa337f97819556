#!/usr/bin/env bash
# onnxruntime-node 1.30.0 (Linux x64): running any graph starts telemetry, which sends to Microsoft and leaves files.
#
# Guess: as its privacy page long said, only Windows builds have telemetry, by the system's own means.
# Seen (Node 24, without CI in the environment): the first session leaves `mat-debug-<pid>.log` for each process and `.ses` in TMPDIR, and an
# identifier and a database of events under ~/.cache/Microsoft; an upload to mobile.events.data.microsoft.com is tried. With
# ORT_DISABLE_TELEMETRY=1 in the environment before the library begins there is none of it. In a worker thread of Node it is too late to set
# it: process.env is a copy there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent onnxruntime-node@1.30.0
cat > run.mjs <<'JS'
import * as ort from 'onnxruntime-node';

const DOUBLE =
  'CAo6OgoOCgF4CgF4EgF5IgNBZGQSBmRvdWJsZVoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBI=';
const session = await ort.InferenceSession.create(Buffer.from(DOUBLE, 'base64'));
await session.run({ x: new ort.Tensor('float32', Float32Array.of(21), [1]) });
JS
seen() {
  mkdir -p "$1/home" "$1/tmp"
  env -u CI -u GITHUB_ACTIONS -u XDG_CACHE_HOME HOME="$PWD/$1/home" TMPDIR="$PWD/$1/tmp" "${@:2}" node run.mjs
  echo "$1: $(find "$1/tmp" -type f -name 'mat-debug-*' | wc -l) logs, $(find "$1/home/.cache/Microsoft" -type f 2>/dev/null | wc -l | sed 's/[1-9].*/some/') files at home"
}
{ seen plain env; seen disabled env ORT_DISABLE_TELEMETRY=1; } > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
plain: 1 logs, some files at home
disabled: 0 logs, 0 files at home
SEEN
echo 'as it was'
