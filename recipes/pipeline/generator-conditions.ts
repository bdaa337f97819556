// What a card says of a generator's conditions, in the words of its recipe; card.ts lets any JSON through.

import { z } from 'zod';

import type { Generator } from '../../common/models/model-set.ts';
import type { RecipeRequest } from '../recipe.ts';

/** Outlines by canny: the thresholds that the generator was trained on. */
export const CANNY_CONDITION = z
  .object({ annotator: z.literal('canny'), low: z.number(), high: z.number() })
  .refine(({ low, high }) => low <= high, 'low must not be above high');

/** What frames are drawn along: outlines, or what one of the card's annotators sees. */
export const CONTROL_CONDITION = z
  .object({
    annotator: z.string().min(1),
    low: z.unknown().optional(),
    high: z.unknown().optional(),
  })
  .transform((condition, context) => {
    const { annotator } = condition;
    if (annotator !== 'canny') return { annotator };
    const found = CANNY_CONDITION.safeParse(condition);
    for (const { path, message } of found.error?.issues ?? [])
      context.addIssue({ code: 'custom', path, message });
    return found.data ?? z.NEVER;
  });

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
