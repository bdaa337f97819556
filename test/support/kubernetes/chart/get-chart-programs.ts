// Gets what tests of the chart need of others' programs before any test file runs, so that no test's time goes into building.

import { getPrograms } from '../programs/find-program.ts';
import { getPromtool } from '../programs/get-promtool.ts';

export async function setup(): Promise<void> {
  const names = ['kubeconform', 'helm', 'keda-crds', 'cert-manager-crds'] as const;
  await getPrograms(names, (line) => void process.stderr.write(`${line}\n`));
  await getPromtool();
}
