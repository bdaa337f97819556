// The sources that a render has beside `input`, a mask say: where its spec names them. Names are a recipe's own; each is unique over all
// recipes, so that an uploaded source is told by its name alone.

import { RECIPES } from './schema.ts';
import type { RenderSpec } from './schema.ts';

export interface NamedPath {
  readonly name: string;
  /** Of the spec, dotted. */
  readonly field: string;
  readonly path: string;
}

/** Those that a checked spec has, in the order of their names. */
export function furtherSources(spec: Pick<RenderSpec, 'task'>): readonly NamedPath[] {
  const { sources = {} } = RECIPES.find(({ name }) => name === spec.task) ?? {};
  return Object.entries(sources)
    .map(([name, field]) => ({ name, field, path: valueAt(spec, field) }))
    .filter((one): one is NamedPath => typeof one.path === 'string')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of all recipes: the field by the name. */
export const SOURCE_FIELDS: Readonly<Record<string, string>> = Object.assign(
  {},
  ...RECIPES.map(({ sources = {} }) => sources),
) as Record<string, string>;

function valueAt(value: unknown, field: string): unknown {
  return field
    .split('.')
    .reduce<unknown>(
      (at, key) =>
        typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined,
      value,
    );
}
