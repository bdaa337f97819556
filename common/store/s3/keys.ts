// Where everything lies in a store on S3, below its prefix. The same names as in a store directory, where both have them.
//
//   format.json  artifacts/ab/abcd…  records/ab/abcd….json  documents/<kind>/<id>@doc  quarantine/  used/  tmp/

import type { Digest, TaskId } from '../../task.ts';
import { checkDigest, checkDocumentName, checkTaskId } from '../names.ts';
import type { DocumentKind, DocumentName } from '../ports.ts';

export const FORMAT_KEY = 'format.json';
export const RECORD_SUFFIX = '.json';
/** As in a directory: some servers keep objects as files, and there `a` cannot lie beside `a/b`. */
export const DOCUMENT_SUFFIX = '@doc';

/** First segments of keys that a store may hold. */
export const AREAS = [
  'artifacts',
  'records',
  'documents',
  'quarantine',
  'used',
  'tmp',
  FORMAT_KEY,
] as const;

export function artifactKey(digest: Digest): string {
  checkDigest(digest);
  return `artifacts/${digest.slice(0, 2)}/${digest}`;
}

export function recordKey(taskId: TaskId): string {
  checkTaskId(taskId);
  return `records/${taskId.slice(0, 2)}/${taskId}${RECORD_SUFFIX}`;
}

export function documentKey(name: DocumentName): string {
  checkDocumentName(name);
  return `${documentPrefix(name.kind)}${name.id}${DOCUMENT_SUFFIX}`;
}

export function documentPrefix(kind: DocumentKind): string {
  return `documents/${kind}/`;
}
