// helm/bivdiff/README.md: how the chart is installed, and a table of all its values, from values.yaml.

import { hasBelow } from './chart-values.ts';
import type { ChartFacts, ChartValue } from './chart-values.ts';

const HEAD = `# Chart bivdiff

A farm on Kubernetes: coordinators of which one leads, pools of workers, NATS, and what goes with them. [docs/kubernetes.md](../../docs/kubernetes.md) leads from nothing to
the first render. This file is made from values.yaml: \`npm run generate\`.

    helm install farm helm/bivdiff --namespace render --create-namespace                      # workers on GPUs
    helm install farm helm/bivdiff --namespace render --create-namespace --set device=cpu     # on processors

What does not go together is refused with a sentence, a key that is not in these tables with its name. Files in [ci/](ci) are whole examples.
`;

/** The file's text. */
export function chartReadme(chart: ChartFacts): string {
  const { values, objects, renamed } = chart;
  const shown = values.filter(({ says }) => says !== '');
  const groups = new Map<string, ChartValue[]>();
  for (const value of shown) {
    const isAlone = value.keys.length === 1 && !hasBelow(value.path, values);
    const group = isAlone ? 'All objects' : value.keys[0]!;
    groups.set(group, [...(groups.get(group) ?? []), value]);
  }
  const tables = [...groups].map(([group, members]) => table(group, members, chart));
  return [
    HEAD,
    `${shown.length} values.\n`,
    ...tables,
    '## Objects that `overrides` names\n',
    `${objects.map((name) => `\`${name}\``).join(', ')}.\n`,
    'Of those that there are several of (`secrets`, `certificates`, `issuers`, `networkPolicies`, `pool…`) each is changed alike; one pool alone by its `merge` and `patch`.\n',
    '    overrides:',
    '      coordinatorService:',
    '        merge: { spec: { loadBalancerSourceRanges: [10.0.0.0/8] } }',
    '        patch: [{ op: remove, path: /metadata/labels/helm.sh~1chart }]\n',
    '## Names that other charts have\n',
    '| there | here |\n|---|---|',
    ...Object.entries(renamed).map(([old, name]) => `| \`${old}\` | ${name} |`),
    '',
  ].join('\n');
}

function table(group: string, members: readonly ChartValue[], chart: ChartFacts): string {
  const own = members.find(({ path }) => path === group);
  const rows = members
    .filter((one) => one !== own || members.length === 1)
    .map((one) => `| \`${one.path}\` | ${standardOf(one, chart)} | ${one.says} |`);
  const heading = group === 'All objects' ? group : `\`${group}\``;
  const says = own === undefined || members.length === 1 ? '' : `${own.says}\n\n`;
  return `## ${heading}\n\n${says}| value | default | |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function standardOf({ path, standard }: ChartValue, { values }: ChartFacts): string {
  if (hasBelow(path, values)) return '';
  if (standard === '') return "`''`";
  return `\`${JSON.stringify(standard).replaceAll('|', '\\|')}\``.replace(/^`"(.*)"`$/, '`$1`');
}
