// The CustomResourceDefinition of Renders. The settings of a render come from the schema that spec files have, so that the API server refuses
// what is out of range before it is stored. Pure; the chart's file is made from it.

import { z } from 'zod';

import { SOURCE_FIELDS } from '../../../recipes/spec/further-sources.ts';
import { anyRecipeSchema, RECIPES, recipesWith } from '../../../recipes/spec/schema.ts';
import { GROUP, KIND, PLURAL, PRIORITY_DEFAULT, VERSION } from './resource.ts';

/** As OpenAPI v3 has it, within what Kubernetes takes. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly [key: string]: unknown;
}

/** Words for people, by the dotted place of a field in a spec file. */
export type FieldDocs = (field: string) => string | undefined;

/** Where a text has no bound of its own: rules are costed by the longest. */
const TEXT_MAX = 253;
const PATH_MAX = 1024;
const MESSAGE_MAX = 32_768;

/** Fields of a spec file that a Render has otherwise: its own kind and name, and the source beside the settings. */
const NOT_SETTINGS = ['apiVersion', 'kind', 'name'];

/** The whole object, without labels. */
export function renderDefinition(docs: FieldDocs = () => undefined): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural: PLURAL, singular: 'render', kind: KIND, listKind: 'RenderList' },
      versions: [
        {
          ...{ name: VERSION, served: true, storage: true },
          schema: { openAPIV3Schema: renderSchema(docs) },
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
        },
      ],
    },
  };
}

const COLUMNS = [
  { name: 'State', type: 'string', jsonPath: '.status.state' },
  { name: 'Progress', type: 'string', jsonPath: '.status.progress' },
  { name: 'ETA', type: 'string', jsonPath: '.status.eta' },
  { name: 'Priority', type: 'integer', jsonPath: '.status.priority' },
  { name: 'GPU-s', type: 'integer', jsonPath: '.status.gpuSeconds' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Job', type: 'string', jsonPath: '.status.jobId', priority: 1 },
];

export function renderSchema(docs: FieldDocs = () => undefined): Schema {
  return {
    type: 'object',
    description: 'A clip that the farm of this namespace shall render.',
    required: ['spec'],
    properties: { spec: specSchema(docs), status: STATUS },
  };
}

function specSchema(docs: FieldDocs): Schema {
  return {
    type: 'object',
    required: ['source', 'render'],
    properties: {
      source: SOURCE,
      sources: SOURCES,
      render: settingsSchema(docs),
      priority: {
        ...{ type: 'integer', minimum: 0, maximum: 100, default: PRIORITY_DEFAULT },
        description: 'Higher goes first. The farm may bound it.',
      },
      suspend: {
        ...{ type: 'boolean', default: false },
        description: 'Stops the work; what is done stays done.',
      },
      ttlSecondsAfterFinished: {
        ...{ type: 'integer', format: 'int32', minimum: 0 },
        description:
          'The Render is deleted so long after it was complete or has failed; absent: never. Its results stay.',
      },
    },
    'x-kubernetes-validations': ['sources', 'ttlSecondsAfterFinished'].map(staysAsItIs),
  };
}

/** A field that may be absent. */
function staysAsItIs(field: string): object {
  const [now, before] = [`self.${field}`, `oldSelf.${field}`];
  const rule = `has(${now}) == has(${before}) && (!has(${now}) || ${now} == ${before})`;
  return { rule, message: immutable(field) };
}

const DIGEST = { type: 'string', pattern: '^[0-9a-f]{64}$', maxLength: 64 };

/** Of any source of a Render. */
const sourceSchema = (description: string, ...rules: readonly object[]): Schema => ({
  ...{ type: 'object', description },
  properties: {
    path: {
      ...{ type: 'string', minLength: 1, maxLength: PATH_MAX },
      description: "A file, or a folder of pictures, on the volume of renders.sources; '/' parts.",
    },
    video: { ...DIGEST, description: 'SHA-256 of a file that was uploaded to the farm.' },
    folder: { ...DIGEST, description: 'SHA-256 of the listing of a folder that was uploaded.' },
  },
  'x-kubernetes-validations': [
    {
      rule: '[has(self.path), has(self.video), has(self.folder)].filter(is, is).size() == 1',
      message: 'give one of path, video and folder',
    },
    {
      rule: "!has(self.path) || (!self.path.startsWith('/') && !self.path.split('/').exists(part, part == '..'))",
      message: 'path: expected a path below the folder of sources, without ..',
    },
    {
      rule: "!has(self.path) || !self.path.matches('^[A-Za-z][A-Za-z0-9+.-]*://')",
      message:
        'path: expected a path below the folder of sources; addresses are not taken: upload the file, and give its digest as video',
    },
    ...rules,
  ],
});

const SOURCE = sourceSchema('Where the frames come from: one of path, video and folder.', {
  ...{ rule: 'self == oldSelf', message: immutable('source') },
});

const SOURCES: Schema = {
  type: 'object',
  description: 'What else the task reads, each said as source is.',
  properties: Object.fromEntries(
    Object.entries(SOURCE_FIELDS).map(([name, field]) => [
      name,
      sourceSchema(`What ${field} is in a spec file.`),
    ]),
  ),
};

function immutable(field: string): string {
  return `${field} is immutable: delete the Render, or make another; suspend and priority can be changed`;
}

/** Settings of a spec file. */
function settingsSchema(docs: FieldDocs): Schema {
  const all = z.toJSONSchema(anyRecipeSchema, { io: 'input', target: 'openapi-3.0' }) as Schema;
  const { properties = {} } = Object.values(SOURCE_FIELDS).reduce(
    (schema, field) => withoutField(schema, field.split('.')),
    structural(all, '', docs),
  );
  const fields = Object.entries(properties).filter(([name]) => !NOT_SETTINGS.includes(name));
  const { input, ...others } = Object.fromEntries(fields) as Record<string, Schema>;
  const frames = without(input!.properties!, 'path');
  return {
    type: 'object',
    description: 'The settings, by their names in a spec file.',
    required: ['task', 'prompt'],
    properties: { ...others, input: { type: 'object', properties: frames } },
    'x-kubernetes-validations': [
      ...Object.keys(others).flatMap(ruleOfTask),
      { rule: 'self == oldSelf', message: immutable('render') },
    ],
  };
}

/** A setting of some tasks is refused for others. */
function ruleOfTask(field: string): object[] {
  const tasks = recipesWith(field);
  if (tasks.length === 0 || tasks.length === RECIPES.length) return [];
  const list = tasks.map((task) => `'${task}'`).join(', ');
  const rule = `!has(self.${field}) || self.task in [${list}]`;
  return [{ rule, message: `${field}: is for task ${tasks.join(', ')}` }];
}

/**
 * What Kubernetes takes of a schema. Defaults are left out: they are the program's, and stored ones would stay when it has others. Of several
 * shapes of one field the first that is a text or a number is taken.
 */
function structural(schema: Schema, place: string, docs: FieldDocs): Schema {
  const { anyOf, properties, items, ...others } = schema;
  const rest = without(others, 'default', 'additionalProperties');
  if (Array.isArray(anyOf)) {
    const plain = (anyOf as Schema[]).find(({ type }) => type === 'string' || type === 'number');
    return structural(plain ?? {}, place, docs);
  }
  const says = docs(place);
  const described = { ...rest, ...(says === undefined ? {} : { description: says }) };
  if (items !== undefined) return { ...described, items: structural(items, `${place}.0`, docs) };
  if (rest.type === 'string' && !('enum' in rest)) return { maxLength: TEXT_MAX, ...described };
  if (properties === undefined) return described;
  const fields = Object.entries(properties).map(([name, one]) => {
    return [name, structural(one, place === '' ? name : `${place}.${name}`, docs)];
  });
  return { ...described, properties: Object.fromEntries(fields) as Record<string, Schema> };
}

/** Where a source is, a Render says beside its settings. */
function withoutField(schema: Schema, [first = '', ...rest]: readonly string[]): Schema {
  const { properties = {} } = schema;
  const below = properties[first];
  if (rest.length === 0 || below === undefined) {
    return { ...schema, properties: without(properties, first) };
  }
  return { ...schema, properties: { ...properties, [first]: withoutField(below, rest) } };
}

function without<T>(object: Readonly<Record<string, T>>, ...keys: string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

const TEXT: Schema = { type: 'string', maxLength: TEXT_MAX };
const TIME: Schema = { type: 'string', format: 'date-time' };

const STATUS: Schema = {
  type: 'object',
  description: 'Written by the coordinator alone.',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64' },
    state: TEXT,
    conditions: {
      type: 'array',
      maxItems: 32,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
        properties: {
          type: TEXT,
          status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
          reason: TEXT,
          message: { type: 'string', maxLength: MESSAGE_MAX },
          lastTransitionTime: TIME,
          observedGeneration: { type: 'integer', format: 'int64' },
        },
      },
    },
    jobId: { ...TEXT, description: 'bivdiff fetch JOB brings what it made.' },
    submittedAt: TIME,
    finishedAt: TIME,
    progress: TEXT,
    eta: TEXT,
    priority: { type: 'integer' },
    gpuSeconds: {
      ...{ type: 'integer', format: 'int64' },
      description: 'Seconds that workers have run its tasks.',
    },
  },
};
