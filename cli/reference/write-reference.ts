// Writes docs/cli.md from the command table, and the tables of docs/observability.md from the list of metrics. Run it after changing a
// flag, a command or a metric: npm run generate

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { processEnvironment } from '../process-environment.ts';
import { createProgram } from '../program.ts';
import { cliReference } from './cli-reference.ts';
import { withMetricTables } from './metric-reference.ts';

const program = createProgram(processEnvironment(), () => undefined);
await writeFile(join(import.meta.dirname, '../../docs/cli.md'), cliReference(program));

const observability = join(import.meta.dirname, '../../docs/observability.md');
await writeFile(observability, withMetricTables(await readFile(observability, 'utf8')));
