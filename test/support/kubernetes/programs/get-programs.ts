// `npm run get:k8s [-- NAME…]`: gets all programs of the table, or those that are named. For vitest it gets those that tests on a control plane
// need, before any test file runs, so that no test's time goes into building.

import { ORDER } from '../plane/programs-of-plane.ts';
import { getPrograms } from './find-program.ts';
import { PROGRAM_NAMES } from './program-table.ts';
import type { ProgramName } from './program-table.ts';

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

export async function setup(): Promise<void> {
  await getPrograms([...ORDER, 'kwok-stages', 'helm', 'keda-crds', 'kueue-crds'], tell);
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
