#!/usr/bin/env bash
# csv-parse 7.0.3: `info.lines` counts each CRLF inside a quoted field as two lines.
#
# Guess: a file says the same line numbers whether its lines end in LF or in CRLF.
# Seen (Node 24): of the same three records, one with a line break inside quotes, the last is on line 4 by LF and on line 5 by CRLF. `info.bytes`
# is right in both, so the line of a record can be had by counting in the bytes before it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent csv-parse@7.0.3
cat > run.mjs <<'JS'
import { parse } from 'csv-parse/sync';

for (const [name, end] of [['LF', '\n'], ['CRLF', '\r\n']]) {
  const text = ['name,count', `"red${end}circle",1`, 'square,2', ''].join(end);
  const last = parse(text, { info: true }).at(-1).info;
  console.log(`${name}: line ${last.lines}, ${last.bytes} of ${Buffer.byteLength(text)} bytes`);
}
JS
node run.mjs > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
LF: line 4, 35 of 35 bytes
CRLF: line 5, 39 of 39 bytes
SEEN
echo 'as it was'
