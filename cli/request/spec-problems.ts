// The schema's problems in the user's own words: the flag that was typed, what is missing, the word that was meant.

import { specProblems } from '../../recipes/spec/parse.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { standInFor } from '../../recipes/spec/stand-in.ts';
import { factsOfField, fieldsBelow, rangeOfFlag } from '../flags/flag-facts.ts';
import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { flagOfField } from '../flags/find-flag.ts';
import { nearestWord } from '../flags/nearest.ts';
import { fieldOf } from './spec-layer.ts';
import type { Fields, SpecLayer } from './spec-layer.ts';

export interface CheckedSpec {
  /** Where there are problems, one to go on checking with. */
  readonly spec: RenderSpec;
  /** Fields of it, dotted, that are not as they were asked for. */
  readonly unknown: readonly string[];
  readonly problems: readonly string[];
}

export interface CheckOptions {
  /** Problems name the flag even of fields that nobody set ("--prompt is missing"). */
  readonly flagsOnly: boolean;
}

/** What a field is called in problems. */
export type NameOf = (field: string) => string;

/** A field by the name that its user gave it; what nobody gave by its flag, if there are only flags. */
export function namesOfFields(layer: SpecLayer, { flagsOnly }: CheckOptions): NameOf {
  return (field) => {
    const flag = flagsOnly ? flagOfField(field) : undefined;
    // What is in a list that was typed is called by its flag.
    const list = layer.names.get(field.replace(/\.\d+(\..*)?$/, ''));
    return layer.names.get(field) ?? list ?? (flag === undefined ? field : `--${flag.name}`);
  };
}

/** Checks merged settings against the schema. Problems of spelling come first. Throws nothing. */
export function checkSpec(layer: SpecLayer, options: CheckOptions): CheckedSpec {
  const nameOf = namesOfFields(layer, options);
  const { spec, unknown } = standInFor(layer.fields);
  const told = specProblems(layer.fields)
    .map(splitProblem)
    // Of these it is told already why there is nothing.
    .filter(({ field }) => !layer.unknown.some((one) => isAtOrBelow(field, one)))
    .flatMap((problem) => explain(problem, layer.fields, nameOf));
  return {
    ...{ spec, unknown: [...unknown, ...layer.unknown] },
    // Of a number outside two ranges the schema tells twice, and so of both sides of a size.
    problems: [...new Set([...layer.problems, ...told])],
  };
}

/** One problem of the schema: `field: what`. */
interface SchemaProblem {
  readonly place: string;
  readonly what: string;
  readonly field: string;
}

function splitProblem(problem: string): SchemaProblem {
  const [, place = 'the spec', what = problem] = /^([^:]+): ([^]*)$/.exec(problem) ?? [];
  // A spec without any input is one without a path.
  const field =
    place === 'input' && what.endsWith('undefined')
      ? 'input.path'
      : place.replace(/^size\..*/, 'size');
  return { place, what, field };
}

function isAtOrBelow(field: string, above: string): boolean {
  return field === above || field.startsWith(`${above}.`);
}

/** One problem of the schema, reworded. */
function explain(
  { place, what, field }: SchemaProblem,
  fields: Readonly<Fields>,
  nameOf: NameOf,
): string[] {
  const unknown = /^unrecognized keys?: (.*)$/.exec(what)?.[1];
  if (unknown !== undefined) {
    const parent = field === 'the spec' ? '' : field;
    return [...unknown.matchAll(/"([^"]*)"/g)].map(([, key = '']) => unknownField(parent, key));
  }
  const elsewhere = /^is for task (.*)$/.exec(what)?.[1];
  if (elsewhere !== undefined) {
    const names = givenBelow(field, fields, nameOf);
    return [`${names}: for task ${elsewhere} only, and this is task ${String(fields['task'])}`];
  }
  const flag = flagOfField(field);
  const name = nameOf(field);
  const only =
    fieldOf(fields, field) === undefined
      ? /^invalid input: expected "(.*)"$/.exec(what)?.[1]
      : undefined;
  if (only !== undefined) return [`${name} is missing: a spec says ${field}: ${only}`];
  if (what.endsWith('undefined') && !place.startsWith('size.')) {
    return [`${name} is missing${flag === undefined ? '' : `: ${lowerFirst(flag.doc)}`}`];
  }
  const given = /, got "(.*)"$/.exec(what)?.[1];
  const meant =
    given === undefined ? undefined : nearestWord(given, factsOfField(field)?.words ?? []);
  if (meant !== undefined) return [`${name}: ${what}; did you mean ${meant}?`];
  if (field === 'size') {
    return [
      `${name}: expected WIDTHxHEIGHT, each 8 to 8192, such as 512x512, got ${givenAt(field, fields)}`,
    ];
  }
  const range = flag === undefined ? undefined : rangeOfFlag(flag);
  if (/^too (small|big)/.test(what) && range !== undefined) {
    return [`${name}: expected ${range}, got ${givenAt(field, fields)}`];
  }
  return [`${name}: ${what}`];
}

function givenAt(field: string, fields: Readonly<Fields>): string {
  const value = fieldOf(fields, field);
  // It was rounded when it was read: what would be shown is not what was written.
  const isRounded = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
  return isRounded ? `a ${value < 0 ? 'smaller' : 'larger'} number` : JSON.stringify(value);
}

/** A field as it was given, which may be by several flags below it. */
function givenBelow(field: string, fields: Readonly<Fields>, nameOf: NameOf): string {
  const given = RENDER_FLAGS.flatMap(({ field: own = '' }) => {
    const isBelow = own === field || own.startsWith(`${field}.`);
    const isNamed = isBelow && nameOf(own) !== own && fieldOf(fields, own) !== undefined;
    return isNamed ? [nameOf(own)] : [];
  });
  return given.length > 0 ? given.join(', ') : field;
}

function unknownField(place: string, key: string): string {
  const known = fieldsBelow(place);
  const words = place === '' ? [...known, ...RENDER_FLAGS.map((flag) => flag.name)] : known;
  const meant = nearestWord(key, words);
  const full = place === '' ? key : `${place}.${key}`;
  return `${full}: no such field${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
