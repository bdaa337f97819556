// A spec to go on checking with where the one that was asked for is not valid: what is wrong is left out, and what is missing made up. Which
// fields these are is told with it, so that nothing is said of what was made up.

import type { z } from 'zod';

import { RECIPES, schemaFor } from './schema.ts';
import type { RecipeName, RenderSpec } from './schema.ts';
import { COMMON_FIELDS } from './fields.ts';
import { taskOf } from './parse.ts';

export interface StandIn {
  readonly spec: RenderSpec;
  /** Fields of the spec, dotted, that are not as they were asked for. */
  readonly unknown: readonly string[];
}

/** In place of what a spec cannot do without. */
const MADE_UP: readonly (readonly [string, unknown])[] = [
  ['apiVersion', 'bivdiff/v1'],
  ['prompt', '-'],
  ['input.path', '-'],
];
/** Each round leaves something out. */
const ROUNDS_MAX = 100;

type Fields = Record<string, unknown>;

/** Of a valid spec it is the spec. */
export function standInFor(value: unknown): StandIn {
  let fields: Fields = isFields(value) ? value : {};
  const unknown = new Set<string>();
  const task = taskOf(fields);
  if (!RECIPES.some(({ name }) => name === task)) {
    unknown.add('task');
    fields = { ...fields, task: likelyTask(fields) };
  }
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const result = schemaFor(fields['task']).safeParse(fields);
    if (result.success) return { spec: result.data as RenderSpec, unknown: [...unknown] };
    for (const issue of result.error.issues) fields = without(issue, fields, unknown);
  }
  return { spec: bareSpec(), unknown: [...unknown, ...Object.keys(fields)] };
}

/** The spec without what is wrong; where that has been left out already, something is made up, or what it lies in left out. */
function without(issue: z.core.$ZodIssue, fields: Fields, unknown: Set<string>): Fields {
  if (issue.code === 'unrecognized_keys') {
    const paths = issue.keys.map((key) => [...issue.path.map(String), key]);
    return paths.reduce<Fields>((left, path) => changed(left, path, undefined), fields);
  }
  // Of a list, all of it: the others would move up.
  const index = issue.path.findIndex((key) => typeof key === 'number');
  const path = issue.path.slice(0, index < 0 ? undefined : index).map(String);
  const isAbsent = valueAt(fields, path) === undefined;
  if (!isAbsent || path.length === 0) {
    unknown.add(path.join('.'));
    return changed(fields, path, undefined);
  }
  for (const [field, value] of MADE_UP) {
    if (field !== path.join('.') && !field.startsWith(`${path.join('.')}.`)) continue;
    unknown.add(field);
    return changed(fields, field.split('.'), value);
  }
  unknown.add(path.slice(0, -1).join('.'));
  return changed(fields, path.slice(0, -1), undefined);
}

/** The task whose own fields were given, where only one has all of them: what is said of these can be checked without its name. */
function likelyTask(fields: Fields): RecipeName {
  const given = Object.keys(fields).filter((key) => key !== 'task' && !(key in COMMON_FIELDS));
  const fitting = RECIPES.filter((recipe) => given.every((key) => key in recipe.fields));
  if (given.length === 0) return 'frames';
  const [only, ...others] = fitting;
  if (only !== undefined && others.length === 0) return only.name;
  // Needs nothing that others would not.
  return fitting.some(({ name }) => name === 'controlnet') ? 'controlnet' : 'frames';
}

function bareSpec(): RenderSpec {
  const fields = MADE_UP.reduce<Fields>(
    (made, [field, value]) => changed(made, field.split('.'), value),
    { task: 'frames' },
  );
  return schemaFor('frames').parse(fields) as RenderSpec;
}

/** The fields with another value at a place, or none; nothing that was given is changed. */
function changed(fields: Fields, [first = '', ...rest]: readonly string[], value: unknown): Fields {
  const below = fields[first];
  const own = rest.length === 0 ? value : changed(isFields(below) ? below : {}, rest, value);
  const others = Object.entries(fields).filter(([key]) => key !== first);
  return Object.fromEntries(own === undefined ? others : [...others, [first, own]]);
}

function valueAt(fields: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isFields(at) ? at[key] : undefined), fields);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
