// values.schema.json, from values.yaml: the kind of each value is that of its default, `# @schema` adds to it, and what is not in the file is
// refused.

import assert from 'node:assert';

import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import { hasBelow } from './chart-values.ts';
import type { ChartFacts, ChartValue } from './chart-values.ts';

type Schema = Record<string, unknown>;

const PATCH: Schema = {
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['op', 'path'],
    properties: {
      op: { enum: ['add', 'remove', 'replace', 'test'] },
      path: { type: 'string', pattern: '^/' },
      value: {},
    },
  },
};

const DECIMAL = '([0-9]+\\.?[0-9]*|\\.[0-9]+)';
/** What Kubernetes takes for an amount, but for those below zero. */
const QUANTITY: Schema = {
  type: ['string', 'number'],
  pattern: `^\\+?${DECIMAL}([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$`,
  minimum: 0,
};

/** null takes away what the chart, or poolDefaults, has. */
const AMOUNTS: Schema = {
  type: ['object', 'null'],
  additionalProperties: { ...QUANTITY, type: ['string', 'number', 'null'] },
};

const LABEL_WORD = '[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?';
const LABELS: Schema = {
  type: 'object',
  // Not propertyNames: where those do not fit, Helm 4.3 names another place.
  patternProperties: {
    [`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?${LABEL_WORD}$`]: {
      type: 'string',
      pattern: `^(${LABEL_WORD})?$`,
    },
  },
  additionalProperties: false,
};

const LIMITS: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(
    Object.keys(DEFAULT_LIMITS).map((name) => [name, { type: 'integer', minimum: 1 }]),
  ),
};

/** What `# @schema { ref: … }` names. */
const DEFINITIONS: Schema = {
  patch: PATCH,
  quantity: QUANTITY,
  resources: {
    type: 'object',
    additionalProperties: true,
    properties: { requests: AMOUNTS, limits: AMOUNTS },
  },
  labels: LABELS,
  limits: LIMITS,
};

/** The file's text. */
export function chartSchema(chart: ChartFacts): string {
  const definitions: Schema = { ...DEFINITIONS };
  const root = section('', chart, definitions);
  for (const [old, name] of Object.entries(chart.renamed)) addRenamed(root, old, name);
  // What a chart above this one sets for all of its charts.
  (root['properties'] as Schema)['global'] = { type: 'object' };
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Values of bivdiff' };
  return `${JSON.stringify({ ...head, ...root, definitions }, null, 2)}\n`;
}

function section(path: string, chart: ChartFacts, definitions: Schema): Schema {
  const children = chart.values.filter((one) => one.keys.slice(0, -1).join('.') === path);
  const properties = children.map((one) => [one.keys.at(-1), schemaOf(one, chart, definitions)]);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties) as Schema,
  };
}

function schemaOf(value: ChartValue, chart: ChartFacts, definitions: Schema): Schema {
  const { path, says, annotation } = value;
  const description = says === '' ? {} : { description: says };
  const { ref, definition, overrides, ...wants } = annotation as Schema;
  if (typeof ref === 'string') return { ...description, ...referTo(ref) };
  if (overrides === true) return { ...description, ...overridesOf(chart) };
  if (!hasBelow(path, chart.values)) return { ...description, ...leaf(value, wants) };
  const below = { ...section(path, chart, definitions), ...wants };
  if (typeof definition !== 'string') return { ...description, ...below };
  definitions[definition] = below;
  return { ...description, $ref: `#/definitions/${definition}` };
}

/** A pool may be taken away by null. */
function referTo(name: string): Schema {
  const $ref = `#/definitions/${name}`;
  return name === 'pool' ? { anyOf: [{ type: 'null' }, { $ref }] } : { $ref };
}

function leaf({ path, standard }: ChartValue, wants: Schema): Schema {
  if ('enum' in wants || 'type' in wants) return wants;
  assert(standard !== null, `${path}: null has no kind: say # @schema { type: … }`);
  const kind = kindOf(standard);
  const isOpen = kind === 'object' && !('additionalProperties' in wants);
  assert(!isOpen, `${path}: say with # @schema what it may hold`);
  return { type: kind, ...wants };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function overridesOf({ objects }: ChartFacts): Schema {
  const hook = {
    type: 'object',
    additionalProperties: false,
    properties: {
      merge: { type: 'object' },
      patch: { $ref: '#/definitions/patch' },
    },
  };
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(objects.map((name) => [name, hook])),
  };
}

/** Let in, so that the chart's own error can name the new key. */
function addRenamed(root: Schema, old: string, name: string): void {
  const keys = old.split('.');
  const last = keys.pop()!;
  const at = keys.reduce((schema, key) => (schema['properties'] as Schema)[key] as Schema, root);
  (at['properties'] as Schema)[last] = { description: `Is called ${name} here.` };
}
