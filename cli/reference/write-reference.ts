// Writes docs/cli.md from the command table. Run it after changing a flag or a command: npm run generate

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { processEnvironment } from '../process-environment.ts';
import { createProgram } from '../program.ts';
import { cliReference } from './cli-reference.ts';

const program = createProgram(processEnvironment(), () => undefined);
await writeFile(join(import.meta.dirname, '../../docs/cli.md'), cliReference(program));
