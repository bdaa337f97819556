// The spec as zod checks it: the fields of every recipe and, by `task`, those of one. Where the wire has a message for a field, its shape is
// the message's: specMessage in cli/farm/spec-message.ts does not compile otherwise.

import { z } from 'zod';

import type { RecipeSpec } from '../recipe.ts';
import * as specs from '../specs.ts';
import { COMMON_FIELDS, words } from './fields.ts';

type Specs = typeof specs;
export type RecipeName = keyof Specs;

/** By name: in which order a module has its exports is not the same everywhere. */
export const RECIPES = Object.values(specs).toSorted((a, b) => (a.name < b.name ? -1 : 1));
const NAMES = RECIPES.map(({ name }) => name) as [RecipeName, ...RecipeName[]];

/** A checked spec of one recipe: defaults filled in, except those that the models give. */
export type SpecOf<N extends RecipeName> = z.output<z.ZodObject<typeof COMMON_FIELDS>> & {
  readonly task: N;
} & FieldsOf<Specs[N]>;
type FieldsOf<R> =
  R extends RecipeSpec<string, infer F>
    ? keyof F extends never
      ? unknown
      : z.output<z.ZodObject<F>>
    : never;
export type RenderSpec = { readonly [N in RecipeName]: SpecOf<N> }[RecipeName];

/** All fields of all recipes: for help, and for the problems of a spec whose task is none. */
export const anyRecipeSchema = z.strictObject({
  task: words(NAMES),
  ...COMMON_FIELDS,
  ...(Object.assign({}, ...RECIPES.map(({ fields }) => fields)) as z.ZodRawShape),
});

const schemas = new Map<unknown, z.ZodType>(
  RECIPES.map(({ name, fields }) => [
    name,
    z.strictObject({ task: z.literal(name), ...COMMON_FIELDS, ...fields }),
  ]),
);

/** What a spec file, the flags or a batch line must be. Defaults that depend on the models stay absent. */
export function schemaFor(task: unknown): z.ZodType {
  return schemas.get(task) ?? anyRecipeSchema;
}

/** The recipes that have a field of their own by this name, which is no field of every spec. */
export function recipesWith(field: string): readonly RecipeName[] {
  return RECIPES.filter(({ fields }) => field in fields).map(({ name }) => name);
}
