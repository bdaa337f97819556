#!/usr/bin/env bash
# @kubernetes/client-node 2.0.1: loadAllYaml() fails on a YAML text with a document that is empty or holds only comments.
#
# Guess: such documents are passed over, as kubectl and helm do; charts whose templates render to nothing make them, and so does joining files
# that begin with `---`.
# Seen (Node 24): TypeError, `Cannot read properties of null (reading 'apiVersion')`, and nothing of the other documents.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @kubernetes/client-node@2.0.1
cat > run.mjs <<'JS'
import { loadAllYaml } from '@kubernetes/client-node';

const MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n';
for (const [name, text] of [
  ['one', `---\n${MAP}`],
  ['two', `${MAP}---\n${MAP}`],
  ['empty between', `${MAP}---\n---\n${MAP}`],
  ['comment', `${MAP}---\n# switched off\n---\n${MAP}`],
]) {
  try {
    console.log(`${name}: ${loadAllYaml(text).length}`);
  } catch (error) {
    console.log(`${name}: ${error.message}`);
  }
}
JS
node run.mjs > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
one: 1
two: 2
empty between: Cannot read properties of null (reading 'apiVersion')
comment: Cannot read properties of null (reading 'apiVersion')
SEEN
echo 'as it was'
