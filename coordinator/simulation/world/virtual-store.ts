// The store of a simulation: records as they are, no bytes of artifacts. Records of jobs that are over are let go.

import { digestText } from '../../../common/digest.ts';
import { BivdiffError } from '../../../common/errors.ts';
import type {
  DocumentKind,
  DocumentName,
  PutRecordResult,
  Store,
} from '../../../common/store/ports.ts';
import type { Digest, JobId, ResultRecord, TaskId } from '../../../common/task.ts';
import type { JobLogEntry } from '../../jobs/job-log.ts';

const LIST = digestText('a list');

export class VirtualStore implements Store {
  readonly #records = new Map<TaskId, ResultRecord>();
  readonly #documents = new Map<DocumentKind, Map<string, Uint8Array>>();
  readonly #onJobEntry: (jobId: JobId, entry: JobLogEntry) => void;

  /** `onJobEntry` is told of all that is written into logs of jobs: so the simulation knows which are over. */
  constructor(onJobEntry: (jobId: JobId, entry: JobLogEntry) => void) {
    this.#onJobEntry = onJobEntry;
  }

  /** Records it holds now. */
  get size(): number {
    return this.#records.size;
  }

  /** `putRecord` without the promise: the one that stays. */
  commit(record: ResultRecord): ResultRecord {
    const existing = this.#records.get(record.taskId);
    if (existing !== undefined) return existing;
    this.#records.set(record.taskId, record);
    return record;
  }

  /** `dropRecord` without the promise. */
  forget(taskId: TaskId): void {
    this.#records.delete(taskId);
  }

  async putRecord(record: ResultRecord): Promise<PutRecordResult> {
    const kept = this.commit(record);
    return kept === record ? { kind: 'created' } : { kind: 'exists', record: kept };
  }

  async getRecord(taskId: TaskId): Promise<ResultRecord | undefined> {
    return this.#records.get(taskId);
  }

  async dropRecord(taskId: TaskId): Promise<void> {
    this.forget(taskId);
  }

  async putDocument({ kind, id }: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'> {
    // Nobody reads it, and there is much of it.
    if (kind === 'job-history') return 'created';
    const documents = this.#documentsOf(kind);
    if (documents.has(id)) return 'exists';
    documents.set(id, bytes);
    if (kind === 'job-event') {
      const jobId = id.slice(0, id.indexOf('/')) as JobId;
      this.#onJobEntry(jobId, JSON.parse(Buffer.from(bytes).toString()) as JobLogEntry);
    }
    return 'created';
  }

  async getDocument({ kind, id }: DocumentName): Promise<Uint8Array | undefined> {
    return this.#documentsOf(kind).get(id);
  }

  async listDocuments(kind: DocumentKind, prefix = ''): Promise<readonly DocumentName[]> {
    return [...this.#documentsOf(kind).keys()]
      .filter((id) => id.startsWith(prefix))
      .sort()
      .map((id) => ({ kind, id }));
  }

  async deleteDocument({ kind, id }: DocumentName): Promise<void> {
    this.#documentsOf(kind).delete(id);
  }

  async syncArtifact(): Promise<void> {}

  async hasArtifact(): Promise<boolean> {
    return true;
  }

  /** Of the lists of what long tasks read, which nobody reads here. */
  async putArtifact(): Promise<Digest> {
    return LIST;
  }

  putArtifactFile(): Promise<Digest> {
    return noArtifacts();
  }

  getArtifact(): Promise<Uint8Array> {
    return noArtifacts();
  }

  async *streamArtifact(): AsyncGenerator<Uint8Array, void, undefined> {
    yield await noArtifacts();
  }

  getArtifactFile(): Promise<void> {
    return noArtifacts();
  }

  async close(): Promise<void> {}

  #documentsOf(kind: DocumentKind): Map<string, Uint8Array> {
    let documents = this.#documents.get(kind);
    if (documents === undefined) {
      documents = new Map<string, Uint8Array>();
      this.#documents.set(kind, documents);
    }
    return documents;
  }
}

function noArtifacts(): Promise<never> {
  return Promise.reject(new BivdiffError('internal', 'a simulation makes no artifacts'));
}
