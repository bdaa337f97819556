// Gets what tests of the chart need of others' programs before any test file runs, so that no test's time goes into building.

import { getPrograms } from '../programs/find-program.ts';
import { getPromtool } from '../programs/get-promtool.ts';
import { CHART_CRDS } from './schemas.ts';

export async function setup(): Promise<void> {
  const names = ['kubeconform', 'helm', ...CHART_CRDS] as const;
  await getPrograms(names, (line) => void process.stderr.write(`${line}\n`));
  await getPromtool();
}
