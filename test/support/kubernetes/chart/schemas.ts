// Schemas for kubeconform, from what the API server of this version says of itself (its module's swagger.json), and from the CRDs of what the chart
// can use besides. Strict: a field that is not in them is refused.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseAllDocuments } from 'yaml';

import { findProgram } from '../programs/find-program.ts';
import { downloadModule } from '../programs/go-build.ts';
import { PROGRAMS } from '../programs/program-table.ts';
import type { Yaml } from './objects.ts';

/** Of what the chart makes objects of besides Kubernetes' own. */
export const CHART_CRDS = ['keda-crds', 'cert-manager-crds', 'prometheus-crds'] as const;
const SWAGGER = 'api/openapi-spec/swagger.json';
const PREFIX = '#/definitions/';
const FREE_FORM = /\.(IntOrString|Quantity|JSON|RawExtension|FieldsV1)$/;

/** Writes a file for each kind into the folder. */
export async function writeSchemas(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { module, version } = PROGRAMS['kube-apiserver'];
  const { Dir } = await downloadModule({ module, version });
  const swagger = JSON.parse(await readFile(join(Dir, SWAGGER), 'utf8'));
  const definitions: Record<string, Yaml> = {};
  for (const [name, definition] of Object.entries<Yaml>(swagger.definitions)) {
    definitions[name] = FREE_FORM.test(name) ? {} : strict(definition);
  }
  await writeFile(join(folder, 'definitions.json'), JSON.stringify({ definitions }));
  for (const [name, definition] of Object.entries<Yaml>(swagger.definitions)) {
    for (const { group, version: of, kind } of definition['x-kubernetes-group-version-kind'] ??
      []) {
      const $ref = `definitions.json${PREFIX}${name}`;
      await writeFile(join(folder, fileOf(kind, group, of)), JSON.stringify({ $ref }));
    }
  }
  for (const name of CHART_CRDS) {
    await writeCrds(folder, await readFile(await findProgram(name), 'utf8'));
  }
}

/** As kubeconform's template below names them. */
export const SCHEMA_NAME = '{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json';

function fileOf(kind: string, group: string, version: string): string {
  // For it the group is what stands before the slash, and of the core group the version does.
  return `${kind.toLowerCase()}-${group === '' ? version : group}-${version}.json`;
}

async function writeCrds(folder: string, text: string): Promise<void> {
  for (const document of parseAllDocuments(text)) {
    const crd = document.toJS();
    if (crd === null) continue;
    const { spec } = crd;
    for (const { name, schema } of spec.versions) {
      const path = join(folder, fileOf(spec.names.kind, spec.group, name));
      await writeFile(path, JSON.stringify(strict(schema.openAPIV3Schema, { isTop: true })));
    }
  }
}

/** Fields that are named are all that there are. */
function strict(schema: Yaml, { isTop = false } = {}): Yaml {
  if (Array.isArray(schema)) return schema.map((one) => strict(one));
  if (schema === null || typeof schema !== 'object') return schema;
  const out: Record<string, Yaml> = {};
  for (const [key, value] of Object.entries<Yaml>(schema)) {
    // Their keys are fields, whatever they are called.
    if (key === 'properties') {
      const fields = Object.entries<Yaml>(value).map(([name, one]) => [name, strict(one)]);
      out[key] = Object.fromEntries(fields);
    } else if (key !== 'format') out[key] = strict(value);
  }
  if (schema['x-kubernetes-int-or-string'] === true) return {};
  const isClosed = schema.properties !== undefined && out['additionalProperties'] === undefined;
  if (isTop) Object.assign(out['properties'], { apiVersion: {}, kind: {}, metadata: {} });
  if (isClosed && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    out['additionalProperties'] = false;
  }
  return out;
}
