// From untrusted data to a checked spec: all problems in one error, each with its place.

import type { z } from 'zod';

import { BivdiffError } from '../../common/errors.ts';
import { recipesWith, schemaFor } from './schema.ts';
import type { RenderSpec } from './schema.ts';

/** Characters of a wrong value that are told. */
const GIVEN_MAX = 80;

/**
 * Checks a spec. `origin` says where it came from ("jobs.jsonl line 3", "the flags").
 * @throws invalid-argument — lists every problem with its field
 */
export function parseRenderSpec(value: unknown, origin: string): RenderSpec {
  const result = schemaFor(taskOf(value)).safeParse(value);
  if (result.success) return result.data as RenderSpec;
  const problems = problemsOf(result.error, value);
  throw new BivdiffError(
    'invalid-argument',
    `${origin} is not a valid spec: ${problems.join('; ')}`,
    {
      hint: 'bivdiff render --help lists the settings and their ranges.',
      details: { problems },
    },
  );
}

/** Every problem of a spec with its field, as `field: what`; none of a valid one. */
export function specProblems(value: unknown): readonly string[] {
  const result = schemaFor(taskOf(value)).safeParse(value);
  return result.success ? [] : problemsOf(result.error, value);
}

export function taskOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'task' in value ? value.task : undefined;
}

function problemsOf(error: z.ZodError, value: unknown): readonly string[] {
  return error.issues.map(issueOfForm).flatMap((issue) => {
    const where = issue.path.length === 0 ? 'the spec' : issue.path.join('.');
    const keys = issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [];
    const strangers = keys.filter((key) => recipesWith(key).length > 0);
    const unknown = keys.filter((key) => !strangers.includes(key));
    const told = strangers.map((key) => `${key}: is for task ${recipesWith(key).join(', ')}`);
    if (strangers.length === 0) return [`${where}: ${wordsOf(issue, value)}`];
    if (unknown.length === 0) return told;
    const names = unknown.map((key) => JSON.stringify(key)).join(', ');
    return [...told, `${where}: unrecognized keys: ${names}`];
  });
}

type Issue = z.core.$ZodIssue;

/** Of a field that may have several forms, what is wrong in the one that was given. */
function issueOfForm(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const isOfForm = ([first]: readonly Issue[]): boolean =>
    first !== undefined && !(first.code === 'invalid_type' && first.path.length === 0);
  const [inner] = issue.errors.find(isOfForm) ?? [];
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'fields with values',
  array: 'a list',
};

/** What was expected, and what was given instead: zod tells of the latter only which type it is. */
function wordsOf(issue: Issue, spec: unknown): string {
  const given = valueAt(spec, issue.path);
  const expected = expectation(issue);
  if (expected === undefined || given === undefined) return lowerFirst(issue.message);
  const text = JSON.stringify(given);
  return `${expected}, got ${text.length > GIVEN_MAX ? `${text.slice(0, GIVEN_MAX)}…` : text}`;
}

function expectation(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      // A list of words says what it was given itself.
      return issue.message.startsWith('expected')
        ? undefined
        : `expected ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}`;
    case 'too_small':
      if (issue.origin === 'string') return 'expected some text';
      return `too small: expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string')
        return `too long: expected at most ${issue.maximum} characters`;
      return `too big: expected at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
