// StoreService over gRPC: gives a store to workers that share no disk with it. Checks what arrives: names, checksums, form.

import type { ServerWritableStream } from '@grpc/grpc-js';
import { z } from 'zod';

import { BivdiffError } from '../../common/errors.ts';
import type {
  DocumentName as WireName,
  ListDocumentsRequest,
  ListDocumentsResponse,
  StoreServiceServer,
} from '../../common/gen/bivdiff/v1/store_service.ts';
import { DOCUMENT_BYTES_MAX, RECORD_BYTES_MAX } from '../../common/rpc/message-sizes.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import { checkDocumentSize } from '../../common/store/document-size.ts';
import {
  decodeDocument,
  decodeRecord,
  encodeDocument,
  encodeRecord,
} from '../../common/store/envelope.ts';
import {
  checkDigest,
  checkDocumentName,
  checkDocumentPrefix,
  checkTaskId,
} from '../../common/store/names.ts';
import type { DocumentKind, DocumentName, Store } from '../../common/store/ports.ts';
import { STAGES } from '../../common/task.ts';
import type { Digest, ResultRecord, TaskId } from '../../common/task.ts';
import { sendMessage } from '../../common/rpc/send.ts';
import { unary } from '../../common/rpc/unary.ts';

/** Of the ids in one message of a list. */
const LIST_MESSAGE_CHARACTERS = 64 << 10;

/** What readers of a record rely on; the rest is kept as it came. */
const RECORD = z.looseObject({
  stage: z.enum(STAGES),
  outputs: z.record(
    z.string(),
    z.array(
      z.looseObject({
        digest: z.string(),
        bytes: z.int().nonnegative(),
        type: z.string(),
        shape: z.array(z.int().nonnegative()).optional(),
      }),
    ),
  ),
  worker: z.string(),
  numericsClass: z.string(),
  attempt: z.number(),
  startedAt: z.string(),
  seconds: z.number(),
  busySeconds: z.number(),
});

export function createStoreService(store: Store): StoreServiceServer {
  return {
    putRecord: unary(async ({ taskId, envelope, envelopeArtifact }) => {
      const id = checkedTaskId(taskId);
      const isLong = envelopeArtifact !== '';
      const bytes = isLong ? await longEnvelope(store, envelopeArtifact) : envelope;
      const put = await store.putRecord(checkedRecord(bytes, id));
      const sent = await envelopeOf(store, put.kind === 'exists' ? put.record : undefined);
      return { existingEnvelope: sent.envelope, existingArtifact: sent.envelopeArtifact };
    }),
    getRecord: unary(async ({ taskId, checkArtifacts }) => {
      const record = await store.getRecord(checkedTaskId(taskId), { checkArtifacts });
      return envelopeOf(store, record);
    }),
    dropRecord: unary(async ({ taskId }) => {
      await store.dropRecord(checkedTaskId(taskId));
      return {};
    }),
    putDocument: unary(async ({ name, envelope }) => {
      const checked = checkedName(name);
      const bytes = decodeDocument(envelope);
      if (bytes === undefined) throw damaged(`document ${checked.kind}/${checked.id}`);
      checkDocumentSize(checked, bytes.byteLength);
      return { created: (await store.putDocument(checked, bytes)) === 'created' };
    }),
    getDocument: unary(async ({ name }) => {
      const checked = checkedName(name);
      const bytes = await store.getDocument(checked);
      if (bytes === undefined) return { envelope: undefined };
      checkDocumentSize(checked, bytes.byteLength);
      return { envelope: Buffer.from(encodeDocument(bytes)) };
    }),
    listDocuments: (call) => {
      list(store, call).then(
        () => call.end(),
        (reason: unknown) => call.emit('error', statusOfError(reason)),
      );
    },
    deleteDocument: unary(async ({ name }) => {
      await store.deleteDocument(checkedName(name));
      return {};
    }),
  };
}

async function list(
  store: Store,
  call: ServerWritableStream<ListDocumentsRequest, ListDocumentsResponse>,
): Promise<void> {
  const { prefix } = call.request;
  const kind = call.request.kind as DocumentKind;
  checkDocumentPrefix(kind, prefix);
  let ids: string[] = [];
  let characters = 0;
  for (const { id } of await store.listDocuments(kind, prefix)) {
    ids.push(id);
    characters += id.length;
    if (characters < LIST_MESSAGE_CHARACTERS) continue;
    if (!(await sendMessage(call, { ids }, characters))) return;
    ids = [];
    characters = 0;
  }
  if (ids.length > 0) await sendMessage(call, { ids }, characters);
}

function checkedTaskId(taskId: string): TaskId {
  checkTaskId(taskId);
  return taskId as TaskId;
}

function checkedName(name: WireName | undefined): DocumentName {
  const checked = { kind: name?.kind as DocumentKind, id: name?.id ?? '' };
  checkDocumentName(checked);
  return checked;
}

function checkedRecord(envelope: Uint8Array, taskId: TaskId): ResultRecord {
  const record = decodedRecord(envelope, taskId);
  if (record === undefined) throw damaged(`the result of task ${taskId}`);
  const { success, error } = RECORD.safeParse(record);
  if (success) return record;
  throw new BivdiffError(
    'invalid-argument',
    `the result of task ${taskId} is malformed: ${z.prettifyError(error)}`,
    { hint: 'Use the same version of bivdiff for worker and coordinator.' },
  );
}

/** The checksum says that it is as it was sent, not that it was ever JSON. */
function decodedRecord(envelope: Uint8Array, taskId: TaskId): ResultRecord | undefined {
  try {
    return decodeRecord(envelope, taskId);
  } catch {
    return undefined;
  }
}

/** As it travels: in the message, or as an artifact beside it, which nothing names and the next collection takes. */
async function envelopeOf(store: Store, record: ResultRecord | undefined) {
  if (record === undefined) return { envelope: undefined, envelopeArtifact: '' };
  const envelope = Buffer.from(encodeRecord(record));
  if (envelope.byteLength <= DOCUMENT_BYTES_MAX) return { envelope, envelopeArtifact: '' };
  return { envelope: undefined, envelopeArtifact: await store.putArtifact(envelope) };
}

/** @throws resource-exhausted — nobody's result is so long */
async function longEnvelope(store: Store, digest: string): Promise<Uint8Array> {
  checkDigest(digest);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of store.streamArtifact(digest as Digest)) {
    bytes += piece.byteLength;
    if (bytes > RECORD_BYTES_MAX) {
      const message = `a result of more than ${RECORD_BYTES_MAX} bytes is not taken`;
      throw new BivdiffError('resource-exhausted', message, { retry: 'never' });
    }
    // Its memory may be used again.
    pieces.push(Uint8Array.from(piece));
  }
  return Buffer.concat(pieces);
}

/** It may come whole the next time. */
function damaged(what: string): BivdiffError {
  return new BivdiffError('unavailable', `${what} arrived damaged`, {
    hint: 'Does something between worker and coordinator change what it passes on?',
  });
}
