// Which names may go into a store. Whatever passes here can be made part of a path: nothing leaves the store's folder.

import { isDigest } from '../digest.ts';
import { BivdiffError } from '../errors.ts';
import type { ResultRecord } from '../task.ts';
import type { DocumentKind, DocumentName } from './ports.ts';

export const DOCUMENT_KINDS: readonly DocumentKind[] = [
  'spec',
  'request',
  'manifest',
  'job-event',
  'job-history',
  'epoch',
  'upload',
  'model',
  'farm',
];

/** Beginning with a letter, digit, `_` or `-`, so neither `.` nor `..` nor a hidden file. */
const SEGMENT = /^[a-z0-9_-][a-z0-9._-]*$/;
/** File systems take 255 bytes; adapters add a few. */
const SEGMENT_LENGTH_MAX = 200;
const SEGMENTS_MAX = 8;

/** @throws invalid-argument — not 64 lower-case hex digits */
export function checkDigest(digest: string): void {
  if (!isDigest(digest)) throw badName('artifact', digest, '64 lower-case hex digits');
}

/** @throws invalid-argument — not 64 lower-case hex digits */
export function checkTaskId(taskId: string): void {
  if (!isDigest(taskId)) throw badName('task', taskId, '64 lower-case hex digits');
}

/** @throws invalid-argument — an unknown kind, or an id that is not as the port says */
export function checkDocumentName(name: DocumentName): void {
  checkDocumentKind(name.kind);
  const segments = name.id.split('/');
  const sound =
    segments.length <= SEGMENTS_MAX &&
    segments.every((segment) => segment.length <= SEGMENT_LENGTH_MAX && SEGMENT.test(segment));
  if (!sound) {
    throw badName(
      'document',
      name.id,
      `at most ${SEGMENTS_MAX} segments of [a-z0-9._-], each at most ${SEGMENT_LENGTH_MAX} long and not beginning with a dot`,
    );
  }
}

/** @throws invalid-argument — what no id could begin with, `..` for one */
export function checkDocumentPrefix(kind: DocumentKind, prefix: string): void {
  // A letter more makes an id of everything an id may begin with.
  checkDocumentName({ kind, id: `${prefix}x` });
}

export function checkDocumentKind(kind: string): void {
  if (!DOCUMENT_KINDS.some((known) => known === kind)) {
    throw badName('kind of document', kind, DOCUMENT_KINDS.join(', '));
  }
}

/** @throws invalid-argument — the record's id or a digest in it is malformed */
export function checkRecordNames(record: ResultRecord): void {
  checkTaskId(record.taskId);
  for (const artifact of Object.values(record.outputs).flat()) checkDigest(artifact.digest);
}

function badName(what: string, name: unknown, expected: string): BivdiffError {
  const shown = JSON.stringify(String(name).slice(0, 120));
  return new BivdiffError('invalid-argument', `${shown} cannot name a ${what} in the store`, {
    hint: `A ${what} is named by ${expected}.`,
    details: { name: shown },
  });
}
