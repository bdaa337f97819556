// The tables of docs/observability.md, made from the list of metrics. A test holds the file to it.

import { ERROR_CODES } from '../../common/errors.ts';
import { STAGES } from '../../common/task.ts';
import { POOLS } from '../../coordinator/dispatch/census.ts';
import { metricsOf } from '../programs/metrics/metric-list.ts';
import type { MetricFacts, MetricProgram } from '../programs/metrics/metric-list.ts';

const BEGIN =
  '<!-- metrics: made from cli/programs/metrics/metric-list.ts by `npm run generate` -->';
const END = '<!-- end of metrics -->';

/** Told once, below the tables: they are long. */
const COMMON_LABELS: Readonly<Record<string, readonly string[]>> = {
  stage: STAGES,
  code: ERROR_CODES,
  pool: POOLS,
};

const TITLES: Readonly<Record<MetricProgram, string>> = {
  both: 'Of both programs',
  coordinator: 'Of the coordinator',
  worker: 'Of a worker',
};

/** The document with its tables as they should be. What is not between the marks stays. */
export function withMetricTables(document: string): string {
  const [before = '', rest = ''] = document.split(BEGIN);
  const after = rest.split(END)[1] ?? '';
  return `${before}${BEGIN}\n\n${metricTables()}\n${END}${after}`;
}

function metricTables(): string {
  const programs: readonly MetricProgram[] = ['coordinator', 'worker', 'both'];
  const tables = programs.map((program) => {
    const rows = metricsOf(program).map(
      ([name, facts]) => `| \`${name}\` | ${facts.kind} | ${labelsText(facts)} | ${facts.help} |`,
    );
    const head = '| metric | kind | labels | what |\n|---|---|---|---|';
    return `### ${TITLES[program]}\n\n${head}\n${rows.join('\n')}\n`;
  });
  const labels = Object.entries(COMMON_LABELS).map(
    ([name, values]) => `| \`${name}\` | ${values.join(', ')} |`,
  );
  const values = `### Labels\n\n| label | values |\n|---|---|\n${labels.join('\n')}\n`;
  return [...tables, values].join('\n');
}

function labelsText({ labels = {} }: MetricFacts): string {
  return Object.entries(labels)
    .map(([name, values]) => {
      if (Object.hasOwn(COMMON_LABELS, name)) return `\`${name}\``;
      return typeof values === 'string'
        ? `\`${name}\` (${values})`
        : `\`${name}\`: ${values.join(', ')}`;
    })
    .join('; ');
}
