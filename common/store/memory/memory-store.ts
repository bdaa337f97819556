// The store in memory, for tests and simulations: the same behaviour as the one in a directory, gone with the process.
// It keeps encoded bytes and checks them on reading, so that bytes changed under its hands are found here too.

import { writeFile } from 'node:fs/promises';

import { digestBytes, digestLongBytes } from '../../digest.ts';
import { readChunks } from '../../read-chunks.ts';
import type { Digest, ResultRecord, TaskId } from '../../task.ts';
import { documentNameOf } from '../contents.ts';
import type { Area, StoreContents, StoredItem } from '../contents.ts';
import { storeClosed } from '../closed.ts';
import { damagedArtifact, missingArtifact } from '../data-loss.ts';
import { decodeDocument, decodeRecord, encodeDocument, encodeRecord } from '../envelope.ts';
import {
  checkDigest,
  checkDocumentName,
  checkDocumentPrefix,
  checkRecordNames,
  checkTaskId,
} from '../names.ts';
import { writeToNewFile } from '../new-file.ts';
import type {
  CollectGarbageOptions,
  CollectGarbageResult,
  DocumentKind,
  DocumentName,
  PutRecordResult,
  Store,
  StoreUpkeep,
  StoreUsage,
  VerifyResult,
} from '../ports.ts';
import { artifactsOf, collectGarbage, measureUsage, verifyContents } from '../upkeep.ts';

export interface MemoryFile {
  readonly bytes: Uint8Array;
  readonly changedMs: number;
}

export interface MemoryStoreOptions {
  /** @default Date.now */
  readonly nowMs?: () => number;
  /**
   * What it holds, by `artifacts/<digest>`, `records/<task id>` and so on. Two stores given one map are one store. @default empty
   */
  readonly files?: Map<string, MemoryFile>;
}

export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options);
}

export class MemoryStore implements Store, StoreUpkeep {
  readonly #files: Map<string, MemoryFile>;
  readonly #nowMs: () => number;
  readonly #contents: StoreContents;
  #isClosed = false;

  constructor(options: MemoryStoreOptions) {
    this.#files = options.files ?? new Map<string, MemoryFile>();
    this.#nowMs = options.nowMs ?? Date.now;
    this.#contents = this.#createContents();
  }

  async putArtifact(bytes: Uint8Array): Promise<Digest> {
    this.#checkOpen();
    const digest = await digestLongBytes(bytes);
    const path = `artifacts/${digest}`;
    const existing = this.#files.get(path);
    if (existing !== undefined && existing.bytes.byteLength !== bytes.byteLength) {
      this.#moveAside(path);
    }
    // The bytes that are there already stay: sound or not, only their age changes.
    const kept = this.#files.get(path)?.bytes ?? new Uint8Array(bytes);
    this.#files.set(path, { bytes: kept, changedMs: this.#nowMs() });
    return digest;
  }

  async putArtifactFile(
    path: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Digest> {
    this.#checkOpen();
    const chunks: Uint8Array[] = [];
    for await (const chunk of readChunks(path, options)) chunks.push(new Uint8Array(chunk));
    return this.putArtifact(Buffer.concat(chunks));
  }

  async getArtifact(digest: Digest): Promise<Uint8Array> {
    this.#checkOpen();
    checkDigest(digest);
    const path = `artifacts/${digest}`;
    const stored = this.#files.get(path);
    if (stored === undefined) throw missingArtifact(digest, 'in memory');
    if ((await digestLongBytes(stored.bytes)) === digest) return new Uint8Array(stored.bytes);
    if (this.#files.get(path) === stored) this.#moveAside(path);
    throw damagedArtifact(digest, 'in memory');
  }

  getArtifactFile(digest: Digest, path: string): Promise<void> {
    return writeToNewFile(path, async (temporary) => {
      await writeFile(temporary, await this.getArtifact(digest), { flag: 'wx' });
    });
  }

  async syncArtifact(digest: Digest): Promise<void> {
    if (!(await this.hasArtifact(digest))) throw missingArtifact(digest, 'in memory');
  }
  async *streamArtifact(digest: Digest, offset = 0): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = await this.getArtifact(digest);
    if (offset < bytes.byteLength) yield bytes.subarray(offset);
  }

  async hasArtifact(digest: Digest): Promise<boolean> {
    this.#checkOpen();
    checkDigest(digest);
    return this.#files.has(`artifacts/${digest}`);
  }

  async putRecord(record: ResultRecord): Promise<PutRecordResult> {
    this.#checkOpen();
    checkRecordNames(record);
    const existing = this.#getRecord(record.taskId, { checkArtifacts: true });
    if (existing !== undefined) return { kind: 'exists', record: existing };
    this.#put(`records/${record.taskId}`, encodeRecord(record));
    return { kind: 'created' };
  }

  async getRecord(
    taskId: TaskId,
    options: { readonly checkArtifacts?: boolean } = {},
  ): Promise<ResultRecord | undefined> {
    this.#checkOpen();
    checkTaskId(taskId);
    return this.#getRecord(taskId, options);
  }

  async dropRecord(taskId: TaskId): Promise<void> {
    this.#checkOpen();
    checkTaskId(taskId);
    this.#files.delete(`records/${taskId}`);
  }

  async putDocument(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'> {
    this.#checkOpen();
    checkDocumentName(name);
    if (this.#getDocument(name) !== undefined) return 'exists';
    this.#put(`documents/${name.kind}/${name.id}`, encodeDocument(bytes));
    return 'created';
  }

  async getDocument(name: DocumentName): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    checkDocumentName(name);
    return this.#getDocument(name);
  }

  async listDocuments(kind: DocumentKind, prefix = ''): Promise<readonly DocumentName[]> {
    this.#checkOpen();
    checkDocumentPrefix(kind, prefix);
    return this.#itemsOf('documents')
      .map(documentNameOf)
      .filter((name) => name.kind === kind && name.id.startsWith(prefix))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async deleteDocument(name: DocumentName): Promise<void> {
    this.#checkOpen();
    checkDocumentName(name);
    this.#files.delete(`documents/${name.kind}/${name.id}`);
  }

  async usage(): Promise<StoreUsage> {
    this.#checkOpen();
    return measureUsage(this.#contents);
  }

  async collectGarbage(options: CollectGarbageOptions): Promise<CollectGarbageResult> {
    this.#checkOpen();
    return collectGarbage(this.#contents, options);
  }

  async verify(options: Parameters<StoreUpkeep['verify']>[0] = {}): Promise<VerifyResult> {
    this.#checkOpen();
    return verifyContents(this.#contents, options);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #getRecord(
    taskId: TaskId,
    options: { readonly checkArtifacts?: boolean },
  ): ResultRecord | undefined {
    const path = `records/${taskId}`;
    const stored = this.#files.get(path);
    if (stored === undefined) return undefined;
    const record = decodeRecord(stored.bytes, taskId);
    if (record === undefined) {
      this.#moveAside(path);
      return undefined;
    }
    if (options.checkArtifacts !== true) return record;
    const used = artifactsOf(record).map((artifact) => ({
      path: `artifacts/${artifact.digest}`,
      bytes: artifact.bytes,
    }));
    if (used.some((artifact) => this.#bytesOf(artifact.path) !== artifact.bytes)) {
      return undefined;
    }
    this.#refresh(path);
    for (const artifact of used) this.#refresh(artifact.path);
    return record;
  }

  #getDocument(name: DocumentName): Uint8Array | undefined {
    const path = `documents/${name.kind}/${name.id}`;
    const stored = this.#files.get(path);
    if (stored === undefined) return undefined;
    const bytes = decodeDocument(stored.bytes);
    if (bytes === undefined) this.#moveAside(path);
    return bytes && new Uint8Array(bytes);
  }

  #put(path: string, bytes: Uint8Array): void {
    this.#files.set(path, { bytes, changedMs: this.#nowMs() });
  }

  #bytesOf(path: string): number | undefined {
    return this.#files.get(path)?.bytes.byteLength;
  }

  #refresh(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#put(path, file.bytes);
  }

  #moveAside(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    let number = 0;
    const aside = (): string => `quarantine/${path.replaceAll('/', '.')}.${number}`;
    while (this.#files.has(aside())) number++;
    this.#files.set(aside(), file);
  }

  #createContents(): StoreContents {
    const items = (area: Area): StoredItem[] => this.#itemsOf(area);
    return {
      async *list(area) {
        yield items(area);
      },
      peekRecord: async (taskId) => {
        const stored = this.#files.get(`records/${taskId}`);
        return stored && decodeRecord(stored.bytes, taskId);
      },
      isSound: async (item) => this.#isSound(item),
      artifactBytes: async (digest) => this.#bytesOf(`artifacts/${digest}`),
      dropRecord: (taskId) => this.dropRecord(taskId),
      removeIf: async ({ area, name }, isUnwanted) => {
        const file = this.#files.get(`${area}/${name}`);
        return (
          file !== undefined && isUnwanted(file.changedMs) && this.#files.delete(`${area}/${name}`)
        );
      },
    };
  }

  #itemsOf(area: Area): StoredItem[] {
    const beginning = `${area}/`;
    return [...this.#files]
      .filter(([path]) => path.startsWith(beginning))
      .map(([path, { bytes, changedMs }]) => ({
        area,
        name: path.slice(beginning.length),
        bytes: bytes.byteLength,
        changedMs,
      }));
  }

  #isSound({ area, name }: StoredItem): boolean {
    const path = `${area}/${name}`;
    const stored = this.#files.get(path);
    if (stored === undefined) return true;
    const isSound =
      area === 'artifacts'
        ? digestBytes(stored.bytes) === name
        : area === 'records'
          ? decodeRecord(stored.bytes, name as TaskId) !== undefined
          : decodeDocument(stored.bytes) !== undefined;
    if (!isSound) this.#moveAside(path);
    return isSound;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw storeClosed('in memory');
  }
}
