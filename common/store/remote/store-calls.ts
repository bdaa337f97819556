// StoreService, from the client's side. Reads and what leaves the same behind when done twice are tried again while the coordinator
// is away. Writes of documents are sent once: a put says who was first, and a second try would find the first one's work and
// take it for a rival's; a second delete might take what was put in between.

import { digestLongBytes } from '../../digest.ts';
import { BivdiffError } from '../../errors.ts';
import type {
  GetDocumentResponse,
  GetRecordResponse,
  ListDocumentsResponse,
  PutDocumentResponse,
  PutRecordResponse,
  StoreServiceClient,
} from '../../gen/bivdiff/v1/store_service.ts';
import { callFailure, callUnary, cancelOnAbort, metadataOf, patiently } from '../../rpc/calls.ts';
import type { PatientLine, StartUnary } from '../../rpc/calls.ts';
import type { ArtifactTransfer } from '../../rpc/artifact-transfer.ts';
import { untilConnected } from '../../rpc/connected.ts';
import { DOCUMENT_BYTES_MAX } from '../../rpc/message-sizes.ts';
import type { Digest, ResultRecord, TaskId } from '../../task.ts';
import { checkDocumentSize } from '../document-size.ts';
import { decodeDocument, decodeRecord, encodeDocument, encodeRecord } from '../envelope.ts';
import type { DocumentKind, DocumentName } from '../ports.ts';

const CALL_MS = 30_000;
/** A folder of 100,000 documents on a slow disk. */
const LIST_MS = 300_000;

export class StoreCalls {
  readonly #client: StoreServiceClient;
  readonly #line: PatientLine;
  readonly #transfer: Pick<ArtifactTransfer, 'get' | 'put'>;

  /** `transfer`: for records that are longer than a message. */
  constructor(
    client: StoreServiceClient,
    line: PatientLine,
    transfer: Pick<ArtifactTransfer, 'get' | 'put'>,
  ) {
    this.#client = client;
    this.#line = line;
    this.#transfer = transfer;
  }

  /** The one that was there before, if any, and how many tries it took. */
  async putRecord(
    record: ResultRecord,
  ): Promise<{ readonly existing: ResultRecord | undefined; readonly tries: number }> {
    const { taskId } = record;
    const request = { taskId, ...(await this.#sent(encodeRecord(record))) };
    let tries = 0;
    const existing = await patiently(this.#line, async () => {
      tries += 1;
      const response = await this.#unary<PutRecordResponse>((...rest) =>
        this.#client.putRecord(request, ...rest),
      );
      const { existingEnvelope, existingArtifact } = response;
      return this.#recordOf(existingEnvelope, existingArtifact, taskId);
    });
    return { existing, tries };
  }

  getRecord(taskId: TaskId, checkArtifacts: boolean): Promise<ResultRecord | undefined> {
    return patiently(this.#line, async () => {
      const request = { taskId, checkArtifacts };
      const { envelope, envelopeArtifact } = await this.#unary<GetRecordResponse>((...rest) =>
        this.#client.getRecord(request, ...rest),
      );
      return this.#recordOf(envelope, envelopeArtifact, taskId);
    });
  }

  /** Twice at worst drops what was committed in between: that costs time, no result. */
  async dropRecord(taskId: TaskId): Promise<void> {
    await patiently(this.#line, () =>
      this.#unary((...rest) => this.#client.dropRecord({ taskId }, ...rest)),
    );
  }

  /** Whether it was put. */
  async putDocument(name: DocumentName, bytes: Uint8Array): Promise<boolean> {
    checkDocumentSize(name, bytes.byteLength);
    const request = { name, envelope: Buffer.from(encodeDocument(bytes)) };
    const { created } = await this.#once<PutDocumentResponse>(
      `putting document ${name.kind}/${name.id}`,
      (...rest) => this.#client.putDocument(request, ...rest),
    );
    return created;
  }

  getDocument(name: DocumentName): Promise<Uint8Array | undefined> {
    return patiently(this.#line, async () => {
      const { envelope } = await this.#unary<GetDocumentResponse>((...rest) =>
        this.#client.getDocument({ name }, ...rest),
      );
      if (envelope === undefined) return undefined;
      const bytes = decodeDocument(envelope);
      if (bytes === undefined) throw this.#damaged(`document ${name.kind}/${name.id}`);
      // The message's memory is larger, and not the caller's to change.
      return new Uint8Array(bytes);
    });
  }

  /** The ids. */
  listDocuments(kind: DocumentKind, prefix: string): Promise<readonly string[]> {
    return patiently(this.#line, async () => {
      const deadline = Date.now() + LIST_MS;
      const metadata = metadataOf(this.#line);
      const call = this.#client.listDocuments({ kind, prefix }, metadata, { deadline });
      const unlisten = cancelOnAbort(call, this.#line.signal);
      const ids: string[] = [];
      try {
        for await (const message of call) {
          for (const id of (message as ListDocumentsResponse).ids) ids.push(id);
        }
        return ids;
      } catch (reason) {
        throw callFailure(reason, this.#line);
      } finally {
        unlisten();
      }
    });
  }

  async deleteDocument(name: DocumentName): Promise<void> {
    await this.#once(`deleting document ${name.kind}/${name.id}`, (...rest) =>
      this.#client.deleteDocument({ name }, ...rest),
    );
  }

  #unary<T>(start: StartUnary<T>): Promise<T> {
    return callUnary(this.#line, start, CALL_MS);
  }

  async #once<T>(doing: string, start: StartUnary<T>): Promise<T> {
    await untilConnected(this.#client, this.#line);
    try {
      return await this.#unary(start);
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (error.code !== 'unavailable') throw error;
      const message = `${doing}: ${error.message}, and nobody knows whether it was done`;
      const hint = 'Look whether it is there before you try again.';
      throw new BivdiffError('unavailable', message, { hint, cause: error });
    }
  }

  async #sent(envelope: Uint8Array): Promise<{ envelope: Buffer; envelopeArtifact: string }> {
    const isShort = envelope.byteLength <= DOCUMENT_BYTES_MAX;
    if (isShort) return { envelope: Buffer.from(envelope), envelopeArtifact: '' };
    const digest = await digestLongBytes(envelope);
    await this.#transfer.put(digest, envelope);
    return { envelope: Buffer.alloc(0), envelopeArtifact: digest };
  }

  async #recordOf(
    envelope: Uint8Array | undefined,
    artifact: string,
    taskId: TaskId,
  ): Promise<ResultRecord | undefined> {
    const bytes = artifact === '' ? envelope : await this.#transfer.get(artifact as Digest);
    if (bytes === undefined) return undefined;
    const record = decodeRecord(bytes, taskId);
    if (record === undefined) throw this.#damaged(`the result of task ${taskId}`);
    return record;
  }

  /** The coordinator has checked it: it may come whole the next time. */
  #damaged(what: string): BivdiffError {
    const { server } = this.#line;
    return new BivdiffError('unavailable', `${what} was damaged on its way from ${server}`, {
      hint: 'Does something in between change what it passes on?',
    });
  }
}
