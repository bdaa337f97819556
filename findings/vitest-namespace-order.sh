#!/usr/bin/env bash
# vitest 5.1.2: `Object.keys` of a module namespace has another order in a test than in Node.
#
# Guess: names of a namespace (`import * as table`) are sorted, as ECMAScript says (module namespace exotic objects list their exports by
# code unit order), whoever runs the module.
# Seen (Node 24): Node lists `apple, zebra`; a test that vitest runs lists them as the file does, `zebra, apple`. So a generated page that
# walks over a module's exports is one text when Node writes it and another when a test compares it. Sort them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent vitest@5.1.2
echo 'export const one = 1;' > one.mjs
printf "export { one as zebra } from './one.mjs';\nexport { one as apple } from './one.mjs';\n" > table.mjs
cat > order.test.mjs <<'JS'
import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import * as table from './table.mjs';

it('lists', () => writeFileSync('in-vitest.txt', `vitest: ${Object.keys(table).join(', ')}\n`));
JS
node --input-type=module -e "import * as table from './table.mjs'; console.log('node: ' + Object.keys(table).join(', '))" > seen.txt
npx vitest run > log.txt 2>&1 || { cat log.txt; exit 1; }
cat in-vitest.txt >> seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
node: apple, zebra
vitest: zebra, apple
SEEN
echo 'as it was'
