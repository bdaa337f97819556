// Result records on S3: one object of JSON per task, with its own checksum. A commit is one PUT, a look is one GET; only
// who asks for the artifacts too pays for a HEAD of each.

import { digestBytes } from '../../digest.ts';
import { BivdiffError } from '../../errors.ts';
import type { ResultRecord, TaskId } from '../../task.ts';
import { decodeRecord, encodeRecord } from '../envelope.ts';
import type { PutRecordResult } from '../ports.ts';
import { artifactsOf } from '../upkeep.ts';
import type { Bucket, ObjectFacts } from './bucket.ts';
import { recordKey } from './keys.ts';
import { isJustUsed, markUsed } from './last-use.ts';
import { moveAside } from './quarantine.ts';
import type { S3Artifacts } from './s3-artifacts.ts';

/** Each further try means that another process changed the same record in between; twice is already odd. */
const TRIES_MAX = 8;

interface ReadRecord {
  /** Of the object that was read last, sound or not. */
  readonly facts?: ObjectFacts;
  readonly record?: ResultRecord;
  readonly wasDamaged: boolean;
}

export class S3Records {
  readonly #bucket: Bucket;
  readonly #artifacts: S3Artifacts;

  constructor(bucket: Bucket, artifacts: S3Artifacts) {
    this.#bucket = bucket;
    this.#artifacts = artifacts;
  }

  async put(record: ResultRecord): Promise<PutRecordResult> {
    const key = recordKey(record.taskId);
    const bytes = encodeRecord(record);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (await this.#bucket.putIfAbsent(key, bytes)) return { kind: 'created' };
      const found = await this.#readUsable(record.taskId);
      if (found.record !== undefined) return { kind: 'exists', record: found.record };
      // What is there counts as absent, so it must not stay; unless it is another one by now.
      if (found.facts !== undefined) {
        await this.#bucket.delete(key, { ifMatch: found.facts.etag });
      }
    }
    throw new BivdiffError('aborted', `record ${record.taskId}: others keep changing it`, {
      hint: `Look whether something else writes into ${this.#bucket.address.url}.`,
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

  /**
   * The same, if its artifacts are there; then it counts as used now, and so do they: a record that is young keeps its
   * artifacts, whatever their age.
   */
  async getUsable(taskId: TaskId): Promise<ResultRecord | undefined> {
    return (await this.#readUsable(taskId)).record;
  }

  /** Changes nothing, not even if it is damaged. */
  async peek(taskId: TaskId): Promise<ResultRecord | undefined> {
    const found = await this.#bucket.get(recordKey(taskId));
    return found && decodeRecord(found.bytes, taskId);
  }

  async drop(taskId: TaskId): Promise<void> {
    await this.#bucket.delete(recordKey(taskId));
  }

  /** With `facts` but no record: it is there, and misses an artifact. */
  async #readUsable(taskId: TaskId): Promise<ReadRecord> {
    let found = await this.#read(taskId);
    if (found.record === undefined || found.facts === undefined) return { wasDamaged: false };
    if (!isJustUsed(found.facts.changedMs)) {
      // The record first, since gc takes records first: who keeps the record then finds its artifacts kept.
      await markUsed(this.#bucket, recordKey(taskId));
      found = await this.#read(taskId);
      if (found.record === undefined || found.facts === undefined) return { wasDamaged: false };
    }
    const areThere = await Promise.all(
      artifactsOf(found.record).map((artifact) => this.#artifacts.isThere(artifact)),
    );
    return areThere.every(Boolean) ? found : { facts: found.facts, wasDamaged: false };
  }

  async #read(taskId: TaskId): Promise<ReadRecord> {
    const key = recordKey(taskId);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await this.#bucket.get(key);
      if (found === undefined) return { wasDamaged: false };
      const { facts, bytes } = found;
      const record = decodeRecord(bytes, taskId);
      if (record !== undefined) return { record, facts, wasDamaged: false };
      const damaged = { key, label: `record.${taskId}`, facts, content: digestBytes(bytes) };
      if (await moveAside(this.#bucket, damaged)) return { wasDamaged: true };
    }
    return { wasDamaged: false };
  }
}
