// `npm run get:k8s [NAME…]`: gets what the tests of Kubernetes need of others' programs, or those that are named. For vitest it gets the control
// plane's before any test file runs, so that no test's time goes into building.

import { ORDER } from '../programs-of-plane.ts';
import { getPrograms } from './find-program.ts';
import { PROGRAM_NAMES } from './program-table.ts';
import type { ProgramName } from './program-table.ts';

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

export async function setup(): Promise<void> {
  await getPrograms([...ORDER, 'kwok-stages'], tell);
}

if (import.meta.main) {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !PROGRAM_NAMES.includes(name as ProgramName));
  if (unknown.length > 0) {
    tell(`Unknown: ${unknown.join(', ')}. There are: ${PROGRAM_NAMES.join(', ')}.`);
    process.exitCode = 1;
  } else {
    const names = asked.length === 0 ? PROGRAM_NAMES : (asked as ProgramName[]);
    await getPrograms(names, tell).catch((reason: unknown) => {
      tell(reason instanceof Error ? reason.message : String(reason));
      process.exitCode = 1;
    });
  }
}
