// What holds over all recipes together, and what the compiler cannot see of it.

import { describe, expect, it } from 'vitest';

import * as bodies from '../../../recipes/bodies.ts';
import { PANEL_LABELS, panelsOf } from '../../../recipes/panels.ts';
import * as plans from '../../../recipes/plans.ts';
import { RECIPES } from '../../../recipes/spec/schema.ts';
import * as specs from '../../../recipes/specs.ts';

/** All pairs of a key and a value of some records. */
const pairsOf = (records: readonly object[]): readonly [string, unknown][] =>
  records.flatMap((record) => Object.entries(record) as [string, unknown][]);

describe('recipes', () => {
  it('are gathered everywhere under the name that users write', () => {
    const names = RECIPES.map(({ name }) => name);
    for (const [key, { name }] of Object.entries(specs)) expect(key).toBe(name);
    expect(Object.keys(plans).toSorted()).toEqual(names);
    expect(names).toEqual(expect.arrayContaining(Object.keys(bodies)));
  });

  it('that share a field share its schema, and that share a flag share it whole', () => {
    const fields = pairsOf(RECIPES.map((recipe) => recipe.fields));
    for (const [name, schema] of fields) expect(new Map(fields).get(name)).toBe(schema);
    const flags = RECIPES.flatMap((recipe) => recipe.flags);
    const byName = new Map(flags.map((flag) => [flag.name, flag]));
    for (const flag of flags) expect(byName.get(flag.name)).toBe(flag);
  });

  it('have flags for fields of their own alone', () => {
    for (const { fields, flags } of RECIPES) {
      const set = flags.map(({ field }) => field.split('.')[0]);
      expect(Object.keys(fields)).toEqual(expect.arrayContaining(set));
    }
  });

  it('that share a panel share its label', () => {
    for (const [role, label] of pairsOf(RECIPES.map(({ panels }) => panels))) {
      expect(PANEL_LABELS[role]).toBe(label);
    }
  });

  it.each(RECIPES.map(({ name }) => name))('show the panels of %s in its own order', (name) => {
    const own = panelsOf(name);
    expect(own.slice(-2)).toEqual(['generated', 'smoothed']);
    expect(Object.keys(PANEL_LABELS).filter((role) => own.includes(role))).toEqual(own);
  });
});
