// A store made of its parts (artifacts, records, documents, upkeep): checks names, bounds what runs at once, refuses calls once
// closed, and turns whatever goes wrong into an error that names the store. The same for every adapter with a place.

import type { BivdiffError } from '../errors.ts';
import type { Digest, ResultRecord, TaskId } from '../task.ts';
import { storeClosed } from './closed.ts';
import type { StoreContents } from './contents.ts';
import { Gate } from '../gate.ts';
import {
  checkDigest,
  checkDocumentName,
  checkDocumentPrefix,
  checkRecordNames,
  checkTaskId,
} from './names.ts';
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
} from './ports.ts';
import { collectGarbage, measureUsage, verifyContents } from './upkeep.ts';

export interface StoreAction {
  /** As in "putting an artifact". */
  readonly doing: string;
  readonly neededBytes?: number | undefined;
}

export interface StoreParts {
  /** What messages call it: the folder, or the URL. */
  readonly place: string;
  readonly artifacts: {
    put(bytes: Uint8Array): Promise<Digest>;
    putFile(path: string, signal: AbortSignal | undefined): Promise<Digest>;
    get(digest: Digest): Promise<Uint8Array>;
    getFile(digest: Digest, target: string): Promise<void>;
    stream(digest: Digest, offset: number): AsyncIterable<Uint8Array>;
    size(digest: Digest): Promise<number | undefined>;
    /** @default what is put is safe already */
    sync?(digest: Digest): Promise<void>;
  };
  readonly records: {
    put(record: ResultRecord): Promise<PutRecordResult>;
    get(taskId: TaskId): Promise<ResultRecord | undefined>;
    /** If its artifacts are there; then record and artifacts count as used now. */
    getUsable(taskId: TaskId): Promise<ResultRecord | undefined>;
    drop(taskId: TaskId): Promise<void>;
  };
  readonly documents: {
    put(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'>;
    get(name: DocumentName): Promise<Uint8Array | undefined>;
    list(kind: DocumentKind, prefix: string): Promise<readonly DocumentName[]>;
    delete(name: DocumentName): Promise<void>;
  };
  readonly contents: StoreContents;
  readonly callsAtOnce: number;
  failure(reason: unknown, action: StoreAction): BivdiffError | Promise<BivdiffError>;
  /** Called once, when nothing runs any more. */
  close?(): void;
}

export class StoreOfParts implements Store, StoreUpkeep {
  readonly #parts: StoreParts;
  readonly #gate: Gate;
  #isClosed = false;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#gate = new Gate(parts.callsAtOnce);
  }

  putArtifact(bytes: Uint8Array): Promise<Digest> {
    const action = { doing: 'putting an artifact', neededBytes: bytes.byteLength };
    return this.#act(action, () => this.#parts.artifacts.put(bytes));
  }

  putArtifactFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Digest> {
    const doing = `putting ${path}`;
    return this.#act({ doing }, () => this.#parts.artifacts.putFile(path, options.signal));
  }

  getArtifact(digest: Digest): Promise<Uint8Array> {
    return this.#act({ doing: `reading artifact ${digest}` }, () => {
      checkDigest(digest);
      return this.#parts.artifacts.get(digest);
    });
  }

  getArtifactFile(digest: Digest, path: string): Promise<void> {
    return this.#act({ doing: `reading artifact ${digest}` }, () => {
      checkDigest(digest);
      return this.#parts.artifacts.getFile(digest, path);
    });
  }

  syncArtifact(digest: Digest): Promise<void> {
    return this.#act({ doing: `writing artifact ${digest} to the disk` }, async () => {
      checkDigest(digest);
      await this.#parts.artifacts.sync?.(digest);
    });
  }

  /** Not bounded with the rest: a slow reader would keep others waiting. */
  async *streamArtifact(digest: Digest, offset = 0): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (this.#isClosed) throw storeClosed(this.#parts.place);
      checkDigest(digest);
      yield* this.#parts.artifacts.stream(digest, offset);
    } catch (reason) {
      throw await this.#parts.failure(reason, { doing: `reading artifact ${digest}` });
    }
  }

  hasArtifact(digest: Digest): Promise<boolean> {
    return this.#act({ doing: `looking for artifact ${digest}` }, async () => {
      checkDigest(digest);
      return (await this.#parts.artifacts.size(digest)) !== undefined;
    });
  }

  putRecord(record: ResultRecord): Promise<PutRecordResult> {
    return this.#act({ doing: `committing task ${record.taskId}` }, () => {
      checkRecordNames(record);
      return this.#parts.records.put(record);
    });
  }

  getRecord(
    taskId: TaskId,
    options: { readonly checkArtifacts?: boolean } = {},
  ): Promise<ResultRecord | undefined> {
    return this.#act({ doing: `reading the result of task ${taskId}` }, () => {
      checkTaskId(taskId);
      return options.checkArtifacts === true
        ? this.#parts.records.getUsable(taskId)
        : this.#parts.records.get(taskId);
    });
  }

  dropRecord(taskId: TaskId): Promise<void> {
    return this.#act({ doing: `dropping the result of task ${taskId}` }, () => {
      checkTaskId(taskId);
      return this.#parts.records.drop(taskId);
    });
  }

  putDocument(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const doing = `putting document ${name.kind}/${name.id}`;
    return this.#act({ doing, neededBytes: bytes.byteLength }, () => {
      checkDocumentName(name);
      return this.#parts.documents.put(name, bytes);
    });
  }

  getDocument(name: DocumentName): Promise<Uint8Array | undefined> {
    return this.#act({ doing: `reading document ${name.kind}/${name.id}` }, () => {
      checkDocumentName(name);
      return this.#parts.documents.get(name);
    });
  }

  listDocuments(kind: DocumentKind, prefix = ''): Promise<readonly DocumentName[]> {
    return this.#act({ doing: `listing documents of kind ${kind}` }, () => {
      checkDocumentPrefix(kind, prefix);
      return this.#parts.documents.list(kind, prefix);
    });
  }

  deleteDocument(name: DocumentName): Promise<void> {
    return this.#act({ doing: `deleting document ${name.kind}/${name.id}` }, () => {
      checkDocumentName(name);
      return this.#parts.documents.delete(name);
    });
  }

  usage(): Promise<StoreUsage> {
    return this.#act({ doing: 'measuring' }, () => measureUsage(this.#parts.contents));
  }

  collectGarbage(options: CollectGarbageOptions): Promise<CollectGarbageResult> {
    return this.#act({ doing: 'collecting garbage' }, () =>
      collectGarbage(this.#parts.contents, options),
    );
  }

  verify(options: Parameters<StoreUpkeep['verify']>[0] = {}): Promise<VerifyResult> {
    return this.#act({ doing: 'verifying' }, () => verifyContents(this.#parts.contents, options));
  }

  /** Waits for what has begun; afterwards every call is refused. */
  async close(): Promise<void> {
    const isFirst = !this.#isClosed;
    this.#isClosed = true;
    await this.#gate.idle();
    if (isFirst) this.#parts.close?.();
  }

  async #act<T>(action: StoreAction, run: () => Promise<T>): Promise<T> {
    try {
      if (this.#isClosed) throw storeClosed(this.#parts.place);
      return await this.#gate.run(run);
    } catch (reason) {
      throw await this.#parts.failure(reason, action);
    }
  }
}
