// Cases of the chart whose values have nothing to do with each other look at one rendering: helm takes most of a second for each.

import type { Yaml } from './objects.ts';

interface Group {
  readonly places: string[];
  values: Yaml;
}

/**
 * Each case with one more item behind its own: its values, and those of all that are dealt to one rendering, or refusal, with it. They are dealt so that of
 * two in a group neither's place, keys with slashes between them, is the other's or lies in it.
 */
export function together<T extends readonly unknown[]>(
  cases: readonly T[],
  placeOf: (one: T) => string,
  valuesOf: (one: T) => Yaml,
): [...T, Yaml][] {
  const groups: Group[] = [];
  const groupOf = cases.map((one) => {
    const place = placeOf(one);
    let group = groups.find(({ places }) => !places.some((other) => meet(place, other)));
    if (group === undefined) groups.push((group = { places: [], values: {} }));
    group.places.push(place);
    group.values = merged(group.values, valuesOf(one));
    return group;
  });
  return cases.map((one, index) => [...one, groupOf[index]!.values]);
}

function meet(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}

function merged(one: Yaml, other: Yaml): Yaml {
  if (!isMap(one) || !isMap(other)) return other;
  const all = { ...one };
  for (const [key, value] of Object.entries(other)) {
    all[key] = key in one ? merged(one[key], value) : value;
  }
  return all;
}

function isMap(value: Yaml): value is Record<string, Yaml> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
