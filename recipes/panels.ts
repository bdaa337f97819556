// What the panels of comparisons and contact sheets show, over all recipes.

import { RECIPES } from './spec/schema.ts';
import * as specs from './specs.ts';

/** The last panels of every recipe. */
const RESULTS = { generated: 'frame by frame', smoothed: 'smoothed' };

/** Role to label, in the order in which panels stand. A job shows those that it has. */
export const PANEL_LABELS: Readonly<Record<string, string>> = {
  ...(Object.assign({}, ...RECIPES.map(({ panels }) => panels)) as object),
  ...RESULTS,
};

/** The roles that a recipe shows side by side; `own`: of its own panels. */
export function panelsOf(
  recipe: keyof typeof specs,
  own: readonly string[] = Object.keys(specs[recipe].panels),
): readonly string[] {
  return [...own, ...Object.keys(RESULTS)];
}
