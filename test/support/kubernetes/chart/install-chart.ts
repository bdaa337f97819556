// Helm itself against a control plane that has the CRDs which the chart makes objects of.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import type { ControlPlane } from '../plane/control-plane.ts';
import { findProgram } from '../programs/find-program.ts';
import { kubectlOf } from '../programs/kubectl.ts';
import { useControlPlane } from '../use-control-plane.ts';
import { CHART_CRDS } from './schemas.ts';

const run = promisify(execFile);

/** Of a namespace that enforces it. */
export const RESTRICTED = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/enforce-version': 'v1.37',
};

export function useChartPlane(): () => ControlPlane {
  return useControlPlane({}, async ({ admin }) => {
    for (const crds of CHART_CRDS) {
      const path = await findProgram(crds);
      const said = await kubectlOf(admin, ['apply', '--server-side', '--filename', path]);
      if (said.code !== 0) throw new Error(said.err);
    }
  });
}

/** What helm prints. @throws what it says on stderr */
export async function helmOn(
  { admin }: ControlPlane,
  words: readonly string[],
  values?: object,
): Promise<string> {
  const given = values === undefined ? [] : ['--values', '-'];
  const child = run(
    await findProgram('helm'),
    [...words, '--kubeconfig', admin.kubeconfig, ...given],
    { maxBuffer: 2 ** 25 },
  );
  child.child.stdin?.end(values === undefined ? '' : JSON.stringify(values));
  return (await child).stdout;
}
