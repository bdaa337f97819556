// Whether the cluster's definition of Renders has all that this version reads and writes. A field that it does not know the API server drops
// without a word, and Helm leaves definitions that others installed as they are. Pure.

import { BivdiffError } from '../../../common/errors.ts';
import { renderSchema } from './definition.ts';
import type { Schema } from './definition.ts';
import { GROUP, KIND, PLURAL, VERSION } from './resource.ts';

/** What brings it up to date, whoever installed it. */
export const HOW_TO_DEFINE =
  'Run: helm template RELEASE helm/bivdiff --set renders.enabled=true --show-only templates/renders/definition.yaml | kubectl apply --server-side --force-conflicts -f -';

/** What the server says of a version of a group: `/openapi/v3/apis/GROUP/VERSION`. */
export interface PublishedSchemas {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/** @throws failed-precondition — there is no such kind, or it lacks fields; names them all, and says what to run */
export function checkDefinition(published: PublishedSchemas): void {
  const schemas = Object.values(published.components?.schemas ?? {});
  const of = (schema: Schema): unknown => schema['x-kubernetes-group-version-kind'];
  const found = schemas.find((schema) =>
    (of(schema) as { kind?: string }[] | undefined)?.some(({ kind }) => kind === KIND),
  );
  if (found === undefined) throw notDefined();
  const missing = missingFields(renderSchema(), found, '');
  if (missing.length === 0) return;
  const message = `${PLURAL}.${GROUP}: the cluster's definition of ${VERSION} is older than this coordinator, and lacks ${missing.join(', ')}`;
  const details = { missing };
  throw new BivdiffError('failed-precondition', message, { hint: HOW_TO_DEFINE, details });
}

export function notDefined(): BivdiffError {
  const message = `${PLURAL}.${GROUP}: the cluster does not know ${KIND} of ${VERSION}`;
  return new BivdiffError('failed-precondition', message, { hint: HOW_TO_DEFINE });
}

/** Dotted places that the one has and the other has not. */
function missingFields(wanted: Schema, found: Schema, place: string): readonly string[] {
  if (wanted.items !== undefined) return missingFields(wanted.items, found.items ?? {}, place);
  return Object.entries(wanted.properties ?? {}).flatMap(([name, field]) => {
    const at = place === '' ? name : `${place}.${name}`;
    const there = found.properties?.[name];
    return there === undefined ? [at] : missingFields(field, there, at);
  });
}
