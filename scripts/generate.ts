// Makes what is generated: code (common/gen) from proto/, docs/cli.md from the command table, tables of docs/observability.md from the list of metrics,
// README and schema of the chart from its values, its definition of Renders from the schema of spec files. All are committed; `npm run check` and tests fail when they are stale.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const generate = ['generate', 'proto', '--template', 'proto/buf.gen.yaml'];
const { status } = spawnSync(join(root, 'node_modules/.bin/buf'), generate, {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
await import('../cli/reference/write-reference.ts');
const chart = ['--disable-warning=ExperimentalWarning', 'scripts/chart/write-chart-files.ts'];
const ended = spawnSync(process.execPath, chart, { cwd: root, stdio: 'inherit' });
if (ended.status !== 0) process.exitCode = ended.status ?? 1;
