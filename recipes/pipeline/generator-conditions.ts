// What a card says of a generator's conditions, in the words of its recipe; card.ts lets any JSON through.

import type { z } from 'zod';

import type { Generator } from '../../common/models/model-set.ts';
import type { RecipeRequest } from '../recipe.ts';

/** All of them, checked: `schema` is a tuple, one for each input of the graph. Undefined if they do not fit; the request has the problem then. */
export function conditionsOf<T>(
  { name, conditions }: Generator,
  schema: z.ZodType<T>,
  { models, problems }: Omit<RecipeRequest<unknown>, 'spec'>,
): T | undefined {
  const found = schema.safeParse(conditions);
  if (found.success) return found.data;
  const why = found.error.issues.map(({ path, message }) => [...path, message].join(' '));
  problems.push(
    `models: card.json in ${models.folder}, generators.${name}.conditions: ${why.join('; ')}`,
  );
  return undefined;
}
