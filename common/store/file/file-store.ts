// The store as a directory, on a local disk or a shared volume, for any number of processes at once. Puts the parts of
// this folder together; every error that leaves it names the store.

import { resolve } from 'node:path';

import { BivdiffError } from '../../errors.ts';
import type { Digest, ResultRecord, TaskId } from '../../task.ts';
import { Gate } from '../gate.ts';
import {
  checkDigest,
  checkDocumentName,
  checkDocumentPrefix,
  checkRecordNames,
  checkTaskId,
} from '../names.ts';
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
import { collectGarbage, measureUsage, verifyContents } from '../upkeep.ts';
import { ArtifactFiles } from './artifact-files.ts';
import { DocumentFiles } from './document-files.ts';
import { FileContents } from './file-contents.ts';
import { ownIdentity } from './process-identity.ts';
import { RecordFiles } from './record-files.ts';
import { storeFailure } from './store-failure.ts';
import type { StoreAction } from './store-failure.ts';
import { StoreFolder } from './store-folder.ts';
import { prepareFolder, removeStaleFiles } from './store-format.ts';

/** Each needs at most two open files; processes may often have no more than 1024. */
const CALLS_AT_ONCE = 64;

/**
 * Opens the store in a directory, which is made if need be.
 * @throws failed-precondition — it holds something else, is of a newer format, or lies where files cannot be named atomically
 * @throws permission-denied, resource-exhausted — it cannot be written to
 */
export async function openFileStore(path: string): Promise<FileStore> {
  const root = resolve(path);
  try {
    const own = await ownIdentity();
    const folder = new StoreFolder(root, own);
    await prepareFolder(folder);
    await removeStaleFiles(folder, own);
    return new FileStore(folder);
  } catch (reason) {
    throw await storeFailure(reason, root, { doing: 'opening it' });
  }
}

export class FileStore implements Store, StoreUpkeep {
  readonly #folder: StoreFolder;
  readonly #artifacts: ArtifactFiles;
  readonly #records: RecordFiles;
  readonly #documents: DocumentFiles;
  readonly #contents: FileContents;
  readonly #gate = new Gate(CALLS_AT_ONCE);
  #isClosed = false;

  /** Use `openFileStore`. */
  constructor(folder: StoreFolder) {
    const artifacts = new ArtifactFiles(folder);
    const records = new RecordFiles(folder, artifacts);
    const documents = new DocumentFiles(folder);
    this.#folder = folder;
    this.#artifacts = artifacts;
    this.#records = records;
    this.#documents = documents;
    this.#contents = new FileContents({ folder, artifacts, records, documents });
  }

  putArtifact(bytes: Uint8Array): Promise<Digest> {
    const action = { doing: 'putting an artifact', neededBytes: bytes.byteLength };
    return this.#act(action, () => this.#artifacts.put(bytes));
  }

  putArtifactFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Digest> {
    const doing = `putting ${path}`;
    return this.#act({ doing }, () => this.#artifacts.putFile(path, options.signal));
  }

  getArtifact(digest: Digest): Promise<Uint8Array> {
    return this.#act({ doing: `reading artifact ${digest}` }, () => {
      checkDigest(digest);
      return this.#artifacts.get(digest);
    });
  }

  getArtifactFile(digest: Digest, path: string): Promise<void> {
    return this.#act({ doing: `reading artifact ${digest}` }, () => {
      checkDigest(digest);
      return this.#artifacts.getFile(digest, path);
    });
  }

  hasArtifact(digest: Digest): Promise<boolean> {
    return this.#act({ doing: `looking for artifact ${digest}` }, async () => {
      checkDigest(digest);
      return (await this.#artifacts.size(digest)) !== undefined;
    });
  }

  putRecord(record: ResultRecord): Promise<PutRecordResult> {
    return this.#act({ doing: `committing task ${record.taskId}` }, () => {
      checkRecordNames(record);
      return this.#records.put(record);
    });
  }

  getRecord(
    taskId: TaskId,
    options: { readonly checkArtifacts?: boolean } = {},
  ): Promise<ResultRecord | undefined> {
    return this.#act({ doing: `reading the result of task ${taskId}` }, () => {
      checkTaskId(taskId);
      return options.checkArtifacts === true
        ? this.#records.getUsable(taskId)
        : this.#records.get(taskId);
    });
  }

  dropRecord(taskId: TaskId): Promise<void> {
    return this.#act({ doing: `dropping the result of task ${taskId}` }, () => {
      checkTaskId(taskId);
      return this.#records.drop(taskId);
    });
  }

  putDocument(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const doing = `putting document ${name.kind}/${name.id}`;
    return this.#act({ doing, neededBytes: bytes.byteLength }, () => {
      checkDocumentName(name);
      return this.#documents.put(name, bytes);
    });
  }

  getDocument(name: DocumentName): Promise<Uint8Array | undefined> {
    return this.#act({ doing: `reading document ${name.kind}/${name.id}` }, () => {
      checkDocumentName(name);
      return this.#documents.get(name);
    });
  }

  listDocuments(kind: DocumentKind, prefix = ''): Promise<readonly DocumentName[]> {
    return this.#act({ doing: `listing documents of kind ${kind}` }, () => {
      checkDocumentPrefix(kind, prefix);
      return this.#documents.list(kind, prefix);
    });
  }

  deleteDocument(name: DocumentName): Promise<void> {
    return this.#act({ doing: `deleting document ${name.kind}/${name.id}` }, () => {
      checkDocumentName(name);
      return this.#documents.delete(name);
    });
  }

  usage(): Promise<StoreUsage> {
    return this.#act({ doing: 'measuring' }, () => measureUsage(this.#contents));
  }

  collectGarbage(options: CollectGarbageOptions): Promise<CollectGarbageResult> {
    return this.#act({ doing: 'collecting garbage' }, () =>
      collectGarbage(this.#contents, options),
    );
  }

  verify(options: Parameters<StoreUpkeep['verify']>[0] = {}): Promise<VerifyResult> {
    return this.#act({ doing: 'verifying' }, () => verifyContents(this.#contents, options));
  }

  /** Waits for what has begun; afterwards every call is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#gate.idle();
  }

  async #act<T>(action: StoreAction, run: () => Promise<T>): Promise<T> {
    try {
      if (this.#isClosed) throw storeClosed(this.#folder.root);
      return await this.#gate.run(run);
    } catch (reason) {
      throw await storeFailure(reason, this.#folder.root, action);
    }
  }
}

function storeClosed(root: string): BivdiffError {
  return new BivdiffError('failed-precondition', `the store ${root} is closed`, {
    hint: 'open it again',
  });
}
