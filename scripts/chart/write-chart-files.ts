// Writes what is made from the chart's values.yaml. `npm run generate` calls it; a test fails when the files are stale.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chartReadme } from './chart-readme.ts';
import { chartSchema } from './chart-schema.ts';
import { CHART_FOLDER, readChart } from './chart-values.ts';
import type { ChartFacts } from './chart-values.ts';

/** By their names in the chart's folder. */
export function chartFiles(chart: ChartFacts): Readonly<Record<string, string>> {
  return { 'README.md': chartReadme(chart), 'values.schema.json': chartSchema(chart) };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(chartFiles(readChart()))) {
    writeFileSync(join(CHART_FOLDER, name), text);
  }
}
