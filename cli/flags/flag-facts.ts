// What the spec's schema says of a flag: its words, its range, its default. Asked of zod, so that help and docs
// cannot differ from what is checked.

import { z } from 'zod';

import { anyRecipeSchema } from '../../recipes/spec/schema.ts';
import type { Flag } from './flag-table.ts';

export interface FieldFacts {
  readonly words?: readonly string[];
  readonly min?: number;
  readonly minExclusive?: number;
  readonly max?: number;
  readonly default?: string;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

let schema: SchemaNode | undefined;

function specSchema(): SchemaNode {
  schema ??= z.toJSONSchema(anyRecipeSchema, {
    io: 'input',
    unrepresentable: 'any',
  }) as SchemaNode;
  return schema;
}

/** Facts of a dotted field of the spec; undefined when there is no such field. */
export function factsOfField(field: string): FieldFacts | undefined {
  let node: SchemaNode | undefined = specSchema();
  for (const key of field.split('.')) node = node?.properties?.[key];
  if (node === undefined) return undefined;
  const { default: value } = node;
  return {
    ...(node.enum === undefined ? {} : { words: node.enum }),
    ...(node.minimum === undefined ? {} : { min: node.minimum }),
    ...(node.exclusiveMinimum === undefined ? {} : { minExclusive: node.exclusiveMinimum }),
    ...(node.maximum === undefined ? {} : { max: node.maximum }),
    ...(isPlain(value) ? { default: String(value) } : {}),
  };
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** Names of the fields right below a dotted field; '' is the spec itself. */
export function fieldsBelow(field: string): readonly string[] {
  let node: SchemaNode | undefined = specSchema();
  if (field !== '') for (const key of field.split('.')) node = node?.properties?.[key];
  return Object.keys(node?.properties ?? {});
}

/** The words that a flag takes; empty when it is not one of a list. */
export function wordsOfFlag(flag: Flag): readonly string[] {
  if (flag.words !== undefined) return flag.words;
  return (flag.field === undefined ? undefined : factsOfField(flag.field)?.words) ?? [];
}

/** "ddim | official", "0 to 1", "above 0, up to 120" or undefined. */
export function rangeOfFlag(flag: Flag): string | undefined {
  if (flag.words !== undefined) return flag.words.join(' | ');
  const facts = flag.field === undefined ? undefined : factsOfField(flag.field);
  if (facts?.words !== undefined) return facts.words.join(' | ');
  if (facts?.max === undefined) return undefined;
  if (facts.minExclusive !== undefined) return `above ${facts.minExclusive}, up to ${facts.max}`;
  return `${facts.min ?? 0} to ${facts.max}`;
}

/** What holds when the flag is left out, or undefined when it must be given or means nothing. */
export function defaultOfFlag(flag: Flag): string | undefined {
  if (flag.defaultText !== undefined) return flag.defaultText;
  return flag.field === undefined ? undefined : factsOfField(flag.field)?.default;
}
