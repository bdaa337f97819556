// Gives a request to the farm, and tells what does not fit in the user's own words: the flag that was typed.

import { BivdiffError } from '../../common/errors.ts';
import type { Accepted, Farm } from '../farm.ts';
import { isTexts } from '../output/error-text.ts';
import { nameField } from './spec-problems.ts';
import type { RenderRequest } from './render-request.ts';

/** @throws BivdiffError — as Farm.accept */
export async function acceptRequest(
  farm: Farm,
  request: RenderRequest,
  options: { readonly signal: AbortSignal },
): Promise<Accepted> {
  try {
    return await farm.accept(request.spec, options);
  } catch (reason) {
    const error = BivdiffError.from(reason);
    const { problems } = error.details;
    // Those of a model folder are no texts, and no flag's.
    if (!isTexts(problems)) throw error;
    const named = nameProblems(problems, request);
    throw new BivdiffError(error.code, named.join('; '), {
      retry: error.retry,
      details: { ...error.details, problems: named },
      cause: error.cause,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** Problems that name fields of the spec, naming flags instead where these were typed. */
export function nameProblems(
  problems: readonly string[],
  request: Pick<RenderRequest, 'isNamedByFlag'>,
): readonly string[] {
  return problems.map((problem) => nameProblem(problem, request));
}

/** `field: what` with the flag for the field, if that is how it was given. */
function nameProblem(
  problem: string,
  { isNamedByFlag }: Pick<RenderRequest, 'isNamedByFlag'>,
): string {
  const split = /^([a-zA-Z.]+): ([^]*)$/.exec(problem);
  if (split === null) return problem;
  const [, field = '', what = ''] = split;
  return `${nameField(field, isNamedByFlag)}: ${what}`;
}
