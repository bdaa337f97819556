// From untrusted data to a checked spec: all problems in one error, each with its place.

import { BivdiffError } from '../../common/errors.ts';
import { recipesWith, schemaFor } from './schema.ts';
import type { RenderSpec } from './schema.ts';

/**
 * Checks a spec. `origin` says where it came from ("jobs.jsonl line 3", "the flags").
 * @throws invalid-argument — lists every problem with its field
 */
export function parseRenderSpec(value: unknown, origin: string): RenderSpec {
  const task = typeof value === 'object' && value !== null && 'task' in value && value.task;
  const result = schemaFor(task).safeParse(value);
  if (result.success) return result.data as RenderSpec;
  const problems = result.error.issues.flatMap((issue) => {
    const where = issue.path.length === 0 ? 'the spec' : issue.path.join('.');
    const keys = issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [];
    const strangers = keys.filter((key) => recipesWith(key).length > 0);
    const unknown = keys.filter((key) => !strangers.includes(key));
    const told = strangers.map((key) => `${key}: is for task ${recipesWith(key).join(', ')}`);
    if (strangers.length === 0) return [`${where}: ${lowerFirst(issue.message)}`];
    if (unknown.length === 0) return told;
    const names = unknown.map((key) => JSON.stringify(key)).join(', ');
    return [...told, `${where}: unrecognized keys: ${names}`];
  });
  throw new BivdiffError(
    'invalid-argument',
    `${origin} is not a valid spec: ${problems.join('; ')}`,
    {
      hint: 'bivdiff render --help lists the settings and their ranges.',
      details: { problems },
    },
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
