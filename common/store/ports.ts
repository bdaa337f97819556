// The store's port: what every adapter (file, memory, s3; remote later) provides. The store is the memo
// table of the render: artifacts by content, result records by task, and a few named documents.

import type { ArtifactRef, Digest, ResultRecord, TaskId } from '../task.ts';

/**
 * Every write is put-if-absent and atomic: readers see all of it or none. Every read is verified. Safe for any number of
 * processes at once.
 */
export interface Store {
  /**
   * Stores bytes under their digest. A second put of the same bytes does nothing but refresh their age, unless what is there has
   * another size: that is torn, and is replaced. The bytes must not change until it resolves.
   * @throws resource-exhausted — the disk is full; the store stays as it was
   */
  putArtifact(bytes: Uint8Array): Promise<Digest>;
  /** The same for a file of any size, read in chunks. */
  putArtifactFile(path: string, options?: { readonly signal?: AbortSignal }): Promise<Digest>;
  /**
   * The bytes, checked against the digest, in memory of their own (offset 0). Bad bytes are moved aside first.
   * @throws data-loss — absent or damaged; details `{ digest }`
   */
  getArtifact(digest: Digest): Promise<Uint8Array>;
  /**
   * Writes the artifact, checked, to a file that must not exist; under its name there is all of it or nothing.
   * @throws data-loss — as getArtifact
   * @throws already-exists — something of that name is there
   */
  getArtifactFile(digest: Digest, path: string): Promise<void>;
  /**
   * Resolves when the artifact would survive a power failure; where the store has no disk of its own, at once.
   * @throws data-loss — absent
   */
  syncArtifact(digest: Digest): Promise<void>;
  /**
   * The artifact from an offset on, for one who may be slow and may not want all of it: in pieces of memory of their own, each read when it is
   * asked for. From offset 0 on it is checked as it goes by: who was given bad bytes is told so after the last of them.
   * @throws data-loss — as getArtifact
   */
  streamArtifact(digest: Digest, offset?: number): AsyncIterable<Uint8Array>;
  /** Whether it is there, not whether it is sound. */
  hasArtifact(digest: Digest): Promise<boolean>;

  /**
   * Commits a result: `created`, or `exists` with the one that stays when the task was committed before. Artifacts must
   * be stored before: a record that counts as absent with `checkArtifacts` does not stay.
   */
  putRecord(record: ResultRecord): Promise<PutRecordResult>;
  /**
   * The committed result, or undefined. A torn or damaged record is moved aside and counts as absent. With
   * `checkArtifacts`, so does one with an artifact missing or of another size; and record and artifacts count as used now.
   */
  getRecord(
    taskId: TaskId,
    options?: { readonly checkArtifacts?: boolean },
  ): Promise<ResultRecord | undefined>;
  /** Takes a record away because an artifact of it is lost, so that the task runs again. Idempotent. */
  dropRecord(taskId: TaskId): Promise<void>;

  /** Puts a named document if absent (accepted specs, manifests, event-log entries). Synced to disk before it returns. */
  putDocument(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** The document or undefined; a damaged one is moved aside and counts as absent. */
  getDocument(name: DocumentName): Promise<Uint8Array | undefined>;
  /** Names in one kind, sorted by id; `prefix` narrows by the id's beginning. */
  listDocuments(kind: DocumentKind, prefix?: string): Promise<readonly DocumentName[]>;
  deleteDocument(name: DocumentName): Promise<void>;

  close(): Promise<void>;
}

export type PutRecordResult =
  { readonly kind: 'created' } | { readonly kind: 'exists'; readonly record: ResultRecord };

/**
 * - `spec`: an accepted spec, by job id
 * - `request`: the spec as it was asked for, by job id
 * - `manifest`: what made an output
 * - `job-event`: `<job>/<n>`, the log of a job on a farm
 * - `job-history`: `<job>/<n>`, what happened to its tasks, in segments
 * - `epoch`: `<n>`, put by each coordinator that takes over
 * - `upload`: `<owner>/<digest>`, an artifact that this owner of jobs has brought
 * - `model`: what files make up a model part, by the part's digest
 * - `farm`: `<farm>/<digest>`, that a coordinator of this farm has been here, and what its models need
 */
export type DocumentKind =
  | 'spec'
  | 'request'
  | 'manifest'
  | 'job-event'
  | 'job-history'
  | 'epoch'
  | 'upload'
  | 'model'
  | 'farm';

/** `id` is made of segments of `[a-z0-9._-]` joined by `/`, none beginning with a dot; so nothing can leave the store's folder. */
export interface DocumentName {
  readonly kind: DocumentKind;
  readonly id: string;
}

/** Upkeep of a store that has a place: what `bivdiff store du|gc|verify` call. */
export interface StoreUpkeep {
  usage(): Promise<StoreUsage>;
  /**
   * Removes what no root reaches and is older than `minAgeMs`. Roots: `keepRecords` and their artifacts, `keepArtifacts`.
   * What lies in the quarantine so long goes too. Safe beside renders: what is put or reused meanwhile is young, and stays
   * (where `minAgeMs` is more than a minute: a reuse sooner than that after the last is not noted).
   */
  collectGarbage(options: CollectGarbageOptions): Promise<CollectGarbageResult>;
  /** Reads everything; moves what is damaged aside, and drops records that miss an artifact, so that the tasks run again. */
  verify(options?: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  }): Promise<VerifyResult>;
}

export interface StoreUsage {
  readonly artifacts: { readonly count: number; readonly bytes: number };
  readonly records: { readonly count: number; readonly bytes: number };
  readonly documents: { readonly count: number; readonly bytes: number };
  /** Moved aside because damaged. */
  readonly quarantine: { readonly count: number; readonly bytes: number };
  /** By stage: records and the bytes of their artifacts (shared ones count once per stage). */
  readonly byStage: Readonly<Record<string, { readonly records: number; readonly bytes: number }>>;
  /** Of those, what is a step of windows (`ResultRecord.step`). */
  readonly steps: { readonly records: number; readonly bytes: number };
}

export interface CollectGarbageOptions {
  readonly keepRecords: (taskId: TaskId) => boolean;
  readonly keepArtifacts: (digest: Digest) => boolean;
  /** Nothing younger is removed, but for steps of windows: an hour protects them. */
  readonly minAgeMs: number;
  readonly nowMs: number;
  readonly dryRun: boolean;
}

export interface CollectGarbageResult {
  readonly removedArtifacts: number;
  readonly removedRecords: number;
  readonly freedBytes: number;
  /** Records and artifacts that no root reaches: too young, or needed by a record too young. */
  readonly keptTooYoung: number;
}

export interface VerifyResult {
  readonly checkedArtifacts: number;
  readonly checkedRecords: number;
  readonly problems: readonly {
    readonly kind: 'damaged-artifact' | 'missing-artifact' | 'damaged-record' | 'damaged-document';
    readonly what: string;
    readonly taskIds: readonly TaskId[];
    readonly artifact?: ArtifactRef;
  }[];
}
