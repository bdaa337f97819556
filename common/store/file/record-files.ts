// Result records in a store directory: one file of JSON per task, with its own checksum.

import { readFile } from 'node:fs/promises';

import { BivdiffError } from '../../errors.ts';
import type { ResultRecord, TaskId } from '../../task.ts';
import { decodeRecord, encodeRecord } from '../envelope.ts';
import type { PutRecordResult } from '../ports.ts';
import { artifactsOf } from '../upkeep.ts';
import type { ArtifactFiles } from './artifact-files.ts';
import {
  linkIfAbsent,
  readFileIfThere,
  refreshAgeIfOld,
  unlinkIfThere,
  writeNewFile,
} from './file-operations.ts';
import { QuickFiles } from './quick-files.ts';
import type { StoreFolder } from './store-folder.ts';

/** Each further try means that another process changed the same record in between; twice is already odd. */
const TRIES_MAX = 8;

export class RecordFiles {
  readonly #folder: StoreFolder;
  readonly #artifacts: ArtifactFiles;
  readonly #quick = new QuickFiles();

  constructor(folder: StoreFolder, artifacts: ArtifactFiles) {
    this.#folder = folder;
    this.#artifacts = artifacts;
  }

  async put(record: ResultRecord): Promise<PutRecordResult> {
    const path = this.#folder.recordPath(record.taskId);
    const temporary = this.#folder.temporaryPath();
    const encoded = encodeRecord(record);
    if (this.#quick.create(path, temporary, encoded)) return { kind: 'created' };
    try {
      await writeNewFile(temporary, encoded);
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        if (await linkIfAbsent(temporary, path)) return { kind: 'created' };
        const existing = await this.getUsable(record.taskId);
        if (existing !== undefined) return { kind: 'exists', record: existing };
        // What is there counts as absent, so it must not stay; `remove` looks again at what it took.
        await this.#folder.remove(path, async (taken) => {
          const bytes = await readFile(taken);
          return !(await this.#isUsable(decodeRecord(bytes, record.taskId)));
        });
      }
    } finally {
      await unlinkIfThere(temporary);
    }
    throw new BivdiffError('aborted', `record ${record.taskId}: others keep changing it`, {
      hint: `Look whether something else writes into ${this.#folder.root}.`,
    });
  }

  /** Whatever is sound; a damaged one is moved aside. */
  async get(taskId: TaskId): Promise<ResultRecord | undefined> {
    return (await this.#read(taskId)).record;
  }

  /** False if it was damaged, and is aside now. Absent counts as sound. */
  async isSound(taskId: TaskId): Promise<boolean> {
    return !(await this.#read(taskId)).wasDamaged;
  }

  async #read(taskId: TaskId): Promise<{ record?: ResultRecord; wasDamaged: boolean }> {
    const path = this.#folder.recordPath(taskId);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const quick = this.#quick.read(path);
      const bytes = quick === undefined ? await readFileIfThere(path) : (quick ?? undefined);
      if (bytes === undefined) return { wasDamaged: false };
      const record = decodeRecord(bytes, taskId);
      if (record !== undefined) return { record, wasDamaged: false };
      const outcome = await this.#folder.moveAside(
        path,
        `record.${taskId}`,
        async (moved) => decodeRecord(await readFile(moved), taskId) === undefined,
      );
      if (outcome === 'moved') return { wasDamaged: true };
    }
    return { wasDamaged: false };
  }

  /** The same, if its artifacts are there; then record and artifacts count as used now. */
  async getUsable(taskId: TaskId): Promise<ResultRecord | undefined> {
    const record = await this.get(taskId);
    if (record === undefined) return undefined;
    // The record first, since gc takes records first: who keeps the record then finds its artifacts kept.
    const isThere = await refreshAgeIfOld(this.#folder.recordPath(taskId));
    return isThere && (await this.#isUsable(record)) ? record : undefined;
  }

  /** Changes nothing, not even if it is damaged. */
  async peek(taskId: TaskId): Promise<ResultRecord | undefined> {
    const bytes = await readFileIfThere(this.#folder.recordPath(taskId));
    return bytes === undefined ? undefined : decodeRecord(bytes, taskId);
  }

  async drop(taskId: TaskId): Promise<void> {
    await unlinkIfThere(this.#folder.recordPath(taskId));
  }

  async #isUsable(record: ResultRecord | undefined): Promise<boolean> {
    if (record === undefined) return false;
    for (const artifact of artifactsOf(record)) {
      if (!(await this.#artifacts.isThere(artifact))) return false;
    }
    return true;
  }
}
