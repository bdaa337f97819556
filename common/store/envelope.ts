// How records and documents lie in a store: with a checksum of their own, so that a torn or flipped one is found.
// Artifacts need none, since their name is their checksum.

import { canonicalJson } from '../canonical-json.ts';
import { digestBytes, digestText } from '../digest.ts';
import type { ResultRecord, TaskId } from '../task.ts';

const RECORD_BEGINNING = /^\{"checksum":"([0-9a-f]{64})","record":/;
const RECORD_END = '}\n';
const DOCUMENT_BEGINNING = /^bivdiff-document ([0-9a-f]{64})\n$/;
const DOCUMENT_BEGINNING_BYTES = 'bivdiff-document '.length + 64 + 1;

/** A line of JSON: `{"checksum":...,"record":...}`, the checksum being over the canonical text of the record. */
export function encodeRecord(record: ResultRecord): Uint8Array {
  const text = canonicalJson(record);
  return Buffer.from(`{"checksum":"${digestText(text)}","record":${text}${RECORD_END}`);
}

/** Undefined unless every byte is as it was written, and the record is that of `taskId`. */
export function decodeRecord(bytes: Uint8Array, taskId: TaskId): ResultRecord | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const beginning = RECORD_BEGINNING.exec(text);
  if (beginning === null || !text.endsWith(RECORD_END)) return undefined;
  const body = text.slice(beginning[0].length, -RECORD_END.length);
  if (digestText(body) !== beginning[1]) return undefined;
  const record = JSON.parse(body) as ResultRecord;
  return record.taskId === taskId ? record : undefined;
}

/** A line with the checksum, then the bytes as they are. */
export function encodeDocument(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`bivdiff-document ${digestBytes(bytes)}\n`), bytes]);
}

/** Undefined unless every byte is as it was written. */
export function decodeDocument(bytes: Uint8Array): Uint8Array | undefined {
  const beginning = Buffer.from(bytes.subarray(0, DOCUMENT_BEGINNING_BYTES)).toString('latin1');
  const checksum = DOCUMENT_BEGINNING.exec(beginning)?.[1];
  const body = bytes.subarray(DOCUMENT_BEGINNING_BYTES);
  return checksum !== undefined && digestBytes(body) === checksum ? body : undefined;
}
