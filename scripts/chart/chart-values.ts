// Reads helm/bivdiff/values.yaml with its comments: for each value that has one its path, what is said of it, what the schema wants of it
// besides, and its default. Knows nothing of README or schema.

import assert from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

import type { JsonObject } from '../../common/task.ts';

export const CHART_FOLDER = join(import.meta.dirname, '../../helm/bivdiff');

export interface ChartValue {
  /** Say `tls.mode`. */
  readonly path: string;
  readonly keys: readonly string[];
  /** Markdown, one line. Empty: a section, which is said nothing of. */
  readonly says: string;
  /** Of `# @schema`. */
  readonly annotation: JsonObject;
  readonly standard: unknown;
}

export interface ChartFacts {
  /** In the order of the file; a section stands before what is in it. */
  readonly values: readonly ChartValue[];
  /** What `overrides` may name, from the templates. */
  readonly objects: readonly string[];
  /** Names of values that are others' or were ours, with what to write instead. */
  readonly renamed: Readonly<Record<string, string>>;
}

const KEY = /^( *)([A-Za-z][\w-]*):/;
const COMMENT = /^ *# (.*)$/;
const SAYS = /^-- /;
const SCHEMA = /^@schema /;
const INDENT = 2;

export function readChart(folder = CHART_FOLDER): ChartFacts {
  const text = readFileSync(join(folder, 'values.yaml'), 'utf8');
  const templates = readTemplates(join(folder, 'templates'));
  const objects = [...templates.matchAll(/"as" "(\w+)"/g)].map(([, name = '']) => name);
  const renamed = /define "bivdiff\.renamed" -\}\}\n([^{]*)/.exec(templates)?.[1];
  assert(renamed !== undefined, 'the templates say which values are renamed');
  return {
    values: readValues(text),
    objects: [...new Set(objects)].sort(),
    renamed: parse(renamed) as Record<string, string>,
  };
}

/** @param text - of a values.yaml in the house's form: two spaces a level, comments on lines of their own */
export function readValues(text: string): readonly ChartValue[] {
  const standards: unknown = parse(text);
  const found: ChartValue[] = [];
  const stack: string[] = [];
  let comments: string[] = [];
  for (const line of text.split('\n')) {
    const comment = COMMENT.exec(line)?.[1];
    if (comment !== undefined) {
      comments.push(comment);
      continue;
    }
    const [, indent = '', key] = KEY.exec(line) ?? [];
    if (key !== undefined) {
      stack.length = indent.length / INDENT;
      stack.push(key);
      found.push(valueOf([...stack], comments, standards));
    }
    comments = [];
  }
  return found.filter(({ path, says }) => says !== '' || hasBelow(path, found));
}

function valueOf(keys: readonly string[], comments: readonly string[], all: unknown): ChartValue {
  const says = comments
    .filter((line) => line.startsWith('-- '))
    .map((line) => line.replace(SAYS, ''));
  const wants = comments.find((line) => line.startsWith('@schema '))?.replace(SCHEMA, '');
  return {
    ...{ path: keys.join('.'), keys, says: says.join(' ') },
    annotation: (wants === undefined ? {} : parse(wants)) as JsonObject,
    standard: keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], all),
  };
}

/** Whether something below it is documented: else it is part of a default. */
export function hasBelow(path: string, values: readonly ChartValue[]): boolean {
  return values.some((one) => one.path.startsWith(`${path}.`) && one.says !== '');
}

function readTemplates(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}
