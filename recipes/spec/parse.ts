// From untrusted data to a checked spec: all problems in one error, each with its place.

import { BivdiffError } from '../../common/errors.ts';
import { renderSpecSchema } from './schema.ts';
import type { RenderSpec } from './schema.ts';

/**
 * Checks a spec. `origin` says where it came from ("jobs.jsonl line 3", "the flags").
 * @throws invalid-argument — lists every problem with its field
 */
export function parseRenderSpec(value: unknown, origin: string): RenderSpec {
  const result = renderSpecSchema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const where = issue.path.length === 0 ? 'the spec' : issue.path.join('.');
    return `${where}: ${lowerFirst(issue.message)}`;
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
