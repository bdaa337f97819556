// Makes the generated code (common/gen) from proto/. The output is committed; `npm run check` fails when it is stale.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { status } = spawnSync(join(root, 'node_modules/.bin/buf'), ['generate'], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
