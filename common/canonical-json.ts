// One text for one JSON value, so that equal values have equal digests: the canonical form of RFC 8785. Knows nothing
// of what is hashed.

import assert from 'node:assert';

/** Deeper than any spec or record; a value that goes further is a cycle. */
const DEPTH_MAX = 256;
/** Elements of a long array in one piece. */
const TOGETHER = 10_000;

/**
 * The canonical text of a value: keys sorted by UTF-16 code unit, no spaces, numbers and strings as JSON.stringify
 * gives them (so -0 is 0, and a lone surrogate is escaped). Properties that are undefined are left out.
 * Anything JSON cannot say (NaN, a bigint, a Date, a hole in an array) is a programmer error and fails an assertion.
 */
export function canonicalJson(value: unknown): string {
  return textOf(value, 0);
}

/**
 * The same text in pieces, of a value whose text could be longer than a string may be: arrays among its members and their members come
 * in several.
 */
export function* canonicalJsonPieces(value: unknown, levels = 3): Generator<string> {
  if (levels === 0 || typeof value !== 'object' || value === null) yield textOf(value, 0);
  else if (Array.isArray(value)) yield* arrayPieces(value);
  else {
    assertPlain(value);
    const properties = value as Readonly<Record<string, unknown>>;
    let separator = '{';
    for (const key of Object.keys(properties).sort()) {
      if (properties[key] === undefined) continue;
      yield `${separator}${JSON.stringify(key)}:`;
      yield* canonicalJsonPieces(properties[key], levels - 1);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  }
}

function* arrayPieces(values: readonly unknown[]): Generator<string> {
  let separator = '[';
  for (let from = 0; from < values.length; from += TOGETHER) {
    const text = arrayText(values.slice(from, from + TOGETHER), 0);
    yield separator + text.slice(1, -1);
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

function textOf(value: unknown, depth: number): string {
  assert(depth < DEPTH_MAX, 'canonical JSON of a value with a cycle');
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      assert(Number.isFinite(value), `canonical JSON of ${value}`);
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return arrayText(value, depth);
      return objectText(value, depth);
    default:
      return assert.fail(`canonical JSON of a ${typeof value}`);
  }
}

function arrayText(values: readonly unknown[], depth: number): string {
  // Array.from visits holes too, so that they fail as undefined does.
  return `[${Array.from(values, (value) => textOf(value, depth + 1)).join(',')}]`;
}

function objectText(value: object, depth: number): string {
  assertPlain(value);
  const properties = value as Readonly<Record<string, unknown>>;
  const members: string[] = [];
  for (const key of Object.keys(properties).sort()) {
    const member = properties[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${textOf(member, depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}

function assertPlain(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  assert(
    prototype === null || Object.getPrototypeOf(prototype) === null,
    'canonical JSON of an instance of a class',
  );
}
