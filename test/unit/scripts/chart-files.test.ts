// What is made from the chart's values.yaml: that it is fresh, and how it is made.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { chartReadme } from '../../../scripts/chart/chart-readme.ts';
import { chartSchema } from '../../../scripts/chart/chart-schema.ts';
import { CHART_FOLDER, readChart, readValues } from '../../../scripts/chart/chart-values.ts';
import { chartFiles } from '../../../scripts/chart/write-chart-files.ts';

const TEXT = `
# -- How many.
# @schema { minimum: 1 }
count: 2
part:
  # -- Its
  # -- name.
  name: ''
  # -- Free.
  # @schema { additionalProperties: true }
  free:
    inner: 1
`;

describe('files of the chart', () => {
  it.each(Object.entries(chartFiles(readChart())))('%s is fresh', async (name, text) => {
    const committed = await readFile(join(CHART_FOLDER, name), 'utf8');
    expect(committed === text, 'npm run generate').toBe(true);
  });

  it('say something of every value', () => {
    const { values } = readChart();
    expect(values.filter(({ says }) => says !== '').length).toBeGreaterThan(140);
    for (const { path, says } of values) expect(says, path).not.toMatch(/\s$|^\s|[^.]$/);
  });
});

describe('a values file', () => {
  it('is read with what is said of each value', () => {
    expect(readValues(TEXT)).toEqual([
      {
        path: 'count',
        keys: ['count'],
        says: 'How many.',
        annotation: { minimum: 1 },
        standard: 2,
      },
      {
        path: 'part',
        keys: ['part'],
        says: '',
        annotation: {},
        standard: { name: '', free: { inner: 1 } },
      },
      {
        path: 'part.name',
        keys: ['part', 'name'],
        says: 'Its name.',
        annotation: {},
        standard: '',
      },
      {
        path: 'part.free',
        keys: ['part', 'free'],
        says: 'Free.',
        annotation: { additionalProperties: true },
        standard: { inner: 1 },
      },
    ]);
  });

  it('makes a schema that is closed but where it says so', () => {
    const chart = {
      values: readValues(TEXT),
      objects: ['a'],
      renamed: { 'part.old': 'part.name' },
    };
    const schema = JSON.parse(chartSchema(chart)) as Record<string, unknown>;
    expect(schema).toMatchObject({
      additionalProperties: false,
      properties: {
        count: { type: 'integer', minimum: 1, description: 'How many.' },
        part: {
          additionalProperties: false,
          properties: {
            name: { type: 'string' },
            free: { type: 'object', additionalProperties: true },
            old: { description: 'Is called part.name here.' },
          },
        },
        global: { type: 'object' },
      },
    });
  });

  it('refuses a map of which it is not said what it may hold, and a null without a kind', () => {
    const chart = (text: string) => ({ values: readValues(text), objects: [], renamed: {} });
    expect(() => chartSchema(chart('# -- A.\na: {}\n'))).toThrow('a: say with # @schema');
    expect(() => chartSchema(chart('# -- A.\na: null\n'))).toThrow('a: null has no kind');
  });

  it('makes a table for each part', () => {
    const text = chartReadme({ values: readValues(TEXT), objects: ['a'], renamed: {} });
    expect(text).toContain('| `count` | `2` | How many. |');
    expect(text).toContain('## `part`');
    expect(text).toContain("| `part.name` | `''` | Its name. |");
  });
});
