// Writes what is made from the chart's values.yaml, and the definition of Renders. `npm run generate` calls it; a test fails when the files are stale.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chartReadme } from './chart-readme.ts';
import { chartSchema } from './chart-schema.ts';
import { CHART_FOLDER, readChart } from './chart-values.ts';
import type { ChartFacts } from './chart-values.ts';
import { renderDefinitionText } from './render-definition.ts';

/** By their names in the chart's folder. */
export function chartFiles(chart: ChartFacts): Readonly<Record<string, string>> {
  return {
    'README.md': chartReadme(chart),
    'values.schema.json': chartSchema(chart),
    'files/render-definition.yaml': renderDefinitionText(),
  };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(chartFiles(readChart()))) {
    writeFileSync(join(CHART_FOLDER, name), text);
  }
}
