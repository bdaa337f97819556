// The store of a farm through its coordinator's StoreService and ArtifactService. Everything that is read is checked here again. A
// coordinator that is away for some seconds is waited for by all that may be done twice; what may not is sent once.

import { credentials as grpcCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions, Metadata } from '@grpc/grpc-js';

import { canonicalJson } from '../../canonical-json.ts';
import { digestFile, digestLongBytes } from '../../digest.ts';
import { BivdiffError } from '../../errors.ts';
import { ArtifactServiceClient } from '../../gen/bivdiff/v1/artifact_service.ts';
import { StoreServiceClient } from '../../gen/bivdiff/v1/store_service.ts';
import { ArtifactTransfer } from '../../rpc/artifact-transfer.ts';
import { keepaliveOptions } from '../../rpc/channel.ts';
import { MESSAGE_BYTES_MAX } from '../../rpc/message-sizes.ts';
import type { Digest, ResultRecord, TaskId } from '../../task.ts';
import { Gate } from '../../gate.ts';
import {
  checkDigest,
  checkDocumentName,
  checkDocumentPrefix,
  checkRecordNames,
  checkTaskId,
} from '../names.ts';
import { writeToNewFile } from '../new-file.ts';
import type { DocumentKind, DocumentName, PutRecordResult, Store } from '../ports.ts';
import { StoreCalls } from './store-calls.ts';

/** A coordinator that is started again is back within a few seconds, with a large store within half a minute. */
const PATIENCE_MS = 30_000;
/** One connection carries them all; the rest waits in line. */
const CALLS_AT_ONCE = 32;
/** What is under way may take so long when the store is closed; then it is cancelled. */
const CLOSE_MS = 5_000;

const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  // The library's own wait of up to two minutes would outlast a restart of the coordinator.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  ...keepaliveOptions(),
  // Bytes on their way at once; 64 KiB, the default, make a fast line with a delay a slow one.
  'grpc-node.flow_control_window': 4 << 20,
};

export interface RemoteStoreOptions {
  /** @default insecure */
  readonly credentials?: ChannelCredentials;
  /** Sent with every call: a token, say. */
  readonly metadata?: () => Metadata;
  /** How long a coordinator that does not answer is waited for. @default 30 s */
  readonly patienceMs?: number;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to the store of the coordinator at HOST:PORT.
 * @throws unavailable — nobody answers there
 * @throws failed-precondition — who answers serves no store
 */
export async function openRemoteStore(
  address: string,
  options: RemoteStoreOptions = {},
): Promise<RemoteStore> {
  const store = new RemoteStore(address, options);
  const stop = (): void => void store.close();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    options.signal?.throwIfAborted();
    await store.getRecord('0'.repeat(64) as TaskId);
    return store;
  } catch (reason) {
    await store.close();
    throw options.signal?.aborted === true
      ? new BivdiffError('cancelled', `opening the store at ${address}: cancelled`)
      : reason;
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

export class RemoteStore implements Store {
  readonly #address: string;
  readonly #clients: readonly { close(): void }[];
  readonly #transfer: ArtifactTransfer;
  readonly #calls: StoreCalls;
  readonly #gate = new Gate(CALLS_AT_ONCE);
  /** No more tries. */
  readonly #closing = new AbortController();
  /** No more waiting for answers. */
  readonly #ending = new AbortController();

  /** Use `openRemoteStore`. */
  constructor(address: string, options: RemoteStoreOptions) {
    const { credentials = grpcCredentials.createInsecure(), metadata } = options;
    const artifacts = new ArtifactServiceClient(address, credentials, CHANNEL_OPTIONS);
    const documents = new StoreServiceClient(address, credentials, CHANNEL_OPTIONS);
    const line = {
      server: address,
      metadata,
      signal: this.#ending.signal,
      retries: { patienceMs: options.patienceMs ?? PATIENCE_MS, signal: this.#closing.signal },
    };
    this.#address = address;
    this.#clients = [artifacts, documents];
    this.#transfer = new ArtifactTransfer(artifacts, line);
    this.#calls = new StoreCalls(documents, line, this.#transfer);
  }

  /** Always sent: so a torn one is healed, and one that is there counts as used now. */
  putArtifact(bytes: Uint8Array): Promise<Digest> {
    return this.#act(async () => {
      const digest = await digestLongBytes(bytes);
      await this.#transfer.put(digest, bytes);
      return digest;
    });
  }

  putArtifactFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Digest> {
    return this.#act(async () => {
      const digest = await digestFile(path, options);
      await this.#transfer.putFile(digest, path, options);
      return digest;
    });
  }

  getArtifact(digest: Digest): Promise<Uint8Array> {
    return this.#act(async () => {
      checkDigest(digest);
      return this.#transfer.get(digest);
    });
  }

  getArtifactFile(digest: Digest, path: string): Promise<void> {
    return this.#act(async () => {
      checkDigest(digest);
      await writeToNewFile(path, (temporary) => this.#transfer.getFile(digest, temporary));
    });
  }

  /** The coordinator does, where the store lies. */
  async syncArtifact(digest: Digest): Promise<void> {
    checkDigest(digest);
  }

  /** All of it is read before the first piece is given: whoever reads from here is a task, and takes it whole. */
  async *streamArtifact(digest: Digest, offset = 0): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = await this.getArtifact(digest);
    if (offset < bytes.byteLength) yield bytes.subarray(offset);
  }

  hasArtifact(digest: Digest): Promise<boolean> {
    return this.#act(async () => {
      checkDigest(digest);
      return this.#transfer.has(digest);
    });
  }

  putRecord(record: ResultRecord): Promise<PutRecordResult> {
    return this.#act(async () => {
      checkRecordNames(record);
      const { existing, tries } = await this.#calls.putRecord(record);
      // Of a try whose answer was lost: its worker, attempt and time say that it is ours.
      const isOurs = tries > 1 && existing && canonicalJson(existing) === canonicalJson(record);
      return existing === undefined || isOurs === true
        ? { kind: 'created' }
        : { kind: 'exists', record: existing };
    });
  }

  getRecord(
    taskId: TaskId,
    { checkArtifacts = false }: { readonly checkArtifacts?: boolean } = {},
  ): Promise<ResultRecord | undefined> {
    return this.#act(async () => {
      checkTaskId(taskId);
      return this.#calls.getRecord(taskId, checkArtifacts);
    });
  }

  dropRecord(taskId: TaskId): Promise<void> {
    return this.#act(async () => {
      checkTaskId(taskId);
      await this.#calls.dropRecord(taskId);
    });
  }

  /**
   * As the port says, and:
   * @throws resource-exhausted — larger than 4 MiB
   * @throws unavailable — the connection was lost on the way: the document may or may not be there
   */
  putDocument(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'> {
    return this.#act(async () => {
      checkDocumentName(name);
      return (await this.#calls.putDocument(name, bytes)) ? 'created' : 'exists';
    });
  }

  getDocument(name: DocumentName): Promise<Uint8Array | undefined> {
    return this.#act(async () => {
      checkDocumentName(name);
      return this.#calls.getDocument(name);
    });
  }

  listDocuments(kind: DocumentKind, prefix = ''): Promise<readonly DocumentName[]> {
    return this.#act(async () => {
      checkDocumentPrefix(kind, prefix);
      return (await this.#calls.listDocuments(kind, prefix)).map((id) => ({ kind, id }));
    });
  }

  deleteDocument(name: DocumentName): Promise<void> {
    return this.#act(async () => {
      checkDocumentName(name);
      await this.#calls.deleteDocument(name);
    });
  }

  /** Waits a while for what has begun, but not for a coordinator that is away; afterwards every call is refused. */
  async close(): Promise<void> {
    this.#closing.abort();
    const timer = setTimeout(() => {
      this.#ending.abort();
    }, CLOSE_MS);
    await this.#gate.idle();
    clearTimeout(timer);
    for (const client of this.#clients) client.close();
  }

  async #act<T>(run: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    return this.#gate.run(async () => {
      // Also what waited in line while the store was closed.
      this.#checkOpen();
      return run();
    });
  }

  #checkOpen(): void {
    if (!this.#closing.signal.aborted) return;
    throw new BivdiffError('failed-precondition', `the store at ${this.#address} is closed`, {
      hint: 'Open it again.',
    });
  }
}
