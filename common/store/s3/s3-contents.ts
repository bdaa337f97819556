// Lists, checks and removes what lies in a store on S3, for upkeep (../upkeep.ts). Objects that are not the store's are
// passed over.

import { randomBytes } from 'node:crypto';

import { isDigest } from '../../digest.ts';
import type { Digest, ResultRecord, TaskId } from '../../task.ts';
import { documentNameOf } from '../contents.ts';
import type { Area, StoreContents, StoredItem } from '../contents.ts';
import { DOCUMENT_KINDS } from '../names.ts';
import { COPY_BYTES_MAX } from './bucket.ts';
import type { Bucket, ListedObject } from './bucket.ts';
import { artifactKey, DOCUMENT_SUFFIX, documentKey, RECORD_SUFFIX, recordKey } from './keys.ts';
import { markKey } from './last-use.ts';
import type { S3Artifacts } from './s3-artifacts.ts';
import type { S3Documents } from './s3-documents.ts';
import type { S3Records } from './s3-records.ts';

export interface S3ContentsParts {
  readonly bucket: Bucket;
  readonly artifacts: S3Artifacts;
  readonly records: S3Records;
  readonly documents: S3Documents;
}

export class S3Contents implements StoreContents {
  readonly #parts: S3ContentsParts;
  readonly #bucket: Bucket;

  constructor(parts: S3ContentsParts) {
    this.#parts = parts;
    this.#bucket = parts.bucket;
  }

  list(area: Area): AsyncIterable<readonly StoredItem[]> {
    switch (area) {
      case 'artifacts':
        return this.#listMarked(area, '');
      case 'records':
        return this.#listMarked(area, RECORD_SUFFIX);
      case 'documents':
        return this.#listDocuments();
      case 'quarantine':
        return this.#listAside();
    }
  }

  peekRecord(taskId: TaskId): Promise<ResultRecord | undefined> {
    return this.#parts.records.peek(taskId);
  }

  async isSound(item: StoredItem, options: { readonly signal?: AbortSignal }): Promise<boolean> {
    const { artifacts, records, documents } = this.#parts;
    switch (item.area) {
      case 'artifacts':
        return artifacts.isSound(item.name as Digest, options.signal);
      case 'records':
        return records.isSound(item.name as TaskId);
      case 'documents':
        return documents.isSound(documentNameOf(item));
      case 'quarantine':
        return false;
    }
  }

  artifactBytes(digest: Digest): Promise<number | undefined> {
    return this.#parts.artifacts.size(digest);
  }

  dropRecord(taskId: TaskId): Promise<void> {
    return this.#parts.records.drop(taskId);
  }

  async removeIf(item: StoredItem, isUnwanted: (changedMs: number) => boolean): Promise<boolean> {
    const key = keyOf(item);
    const [found, mark] = await Promise.all([
      this.#bucket.head(key),
      this.#bucket.head(markKey(key)),
    ]);
    if (found === undefined) return false;
    if (!isUnwanted(Math.max(found.changedMs, mark?.changedMs ?? 0))) return false;
    if (item.area === 'quarantine') {
      await this.#bucket.delete(key);
      return true;
    }
    const restore =
      item.area === 'records'
        ? await this.#keepRecord(key)
        : await this.#keepCopy(key, found.bytes);
    const isGone = await this.#bucket.delete(key, { ifMatch: found.etag });
    // Who reuses it marks it first and looks for it afterwards (last-use.ts). No mark by now: whoever comes finds it gone.
    const newMark = await this.#bucket.head(markKey(key));
    const isWanted = newMark !== undefined && !isUnwanted(newMark.changedMs);
    await restore(isGone && isWanted);
    if (!isGone || isWanted) return false;
    if (newMark !== undefined) await this.#bucket.delete(markKey(key));
    return true;
  }

  /** Put back only where there is none: another result may have been committed since, and that one stays. */
  async #keepRecord(key: string): Promise<(isWanted: boolean) => Promise<void>> {
    const kept = await this.#bucket.get(key);
    return async (isWanted) => {
      if (isWanted && kept !== undefined) await this.#bucket.putIfAbsent(key, kept.bytes);
    };
  }

  /**
   * What is too large to copy in one request goes without, and so does all on a server that is full: then a reuse at the
   * same moment makes its task run again.
   */
  async #keepCopy(key: string, bytes: number): Promise<(isWanted: boolean) => Promise<void>> {
    if (bytes > COPY_BYTES_MAX) return async () => undefined;
    const aside = `tmp/${randomBytes(12).toString('hex')}`;
    if ((await this.#bucket.copy(key, aside)) !== 'copied') return async () => undefined;
    return async (isWanted) => {
      if (isWanted) await this.#bucket.copy(aside, key);
      await this.#bucket.delete(aside);
    };
  }

  /** Two lists in the same order, side by side: the objects, and the marks of their last use. */
  async *#listMarked(
    area: 'artifacts' | 'records',
    suffix: string,
  ): AsyncGenerator<readonly StoredItem[]> {
    const marks = flatten(this.#bucket.list(markKey(`${area}/`)));
    let mark = await marks.next();
    for await (const batch of this.#bucket.list(`${area}/`)) {
      const items: StoredItem[] = [];
      for (const { name: key, bytes, changedMs } of batch) {
        while (mark.done !== true && mark.value.name < key) mark = await marks.next();
        const usedMs = mark.done !== true && mark.value.name === key ? mark.value.changedMs : 0;
        const name = key.slice(key.lastIndexOf('/') + 1, key.length - suffix.length);
        if (!isDigest(name) || key !== `${name.slice(0, 2)}/${name}${suffix}`) continue;
        items.push({ area, name, bytes, changedMs: Math.max(changedMs, usedMs) });
      }
      yield items;
    }
  }

  async *#listDocuments(): AsyncGenerator<readonly StoredItem[]> {
    for await (const batch of this.#bucket.list('documents/')) {
      yield batch
        .filter(({ name }) => name.endsWith(DOCUMENT_SUFFIX))
        .map((object) => ({
          ...object,
          area: 'documents' as const,
          name: object.name.slice(0, -DOCUMENT_SUFFIX.length),
        }))
        .filter(({ name }) => DOCUMENT_KINDS.includes(documentNameOf({ name }).kind));
    }
  }

  /** With what a collection that was killed has left in tmp/. */
  async *#listAside(): AsyncGenerator<readonly StoredItem[]> {
    for (const folder of ['quarantine/', 'tmp/']) {
      for await (const batch of this.#bucket.list(folder)) {
        yield batch.map((object) => ({
          ...object,
          area: 'quarantine' as const,
          name: folder + object.name,
        }));
      }
    }
  }
}

function keyOf({ area, name }: StoredItem): string {
  switch (area) {
    case 'artifacts':
      return artifactKey(name as Digest);
    case 'records':
      return recordKey(name as TaskId);
    case 'documents':
      return documentKey(documentNameOf({ name }));
    case 'quarantine':
      return name;
  }
}

async function* flatten(
  batches: AsyncIterable<readonly ListedObject[]>,
): AsyncGenerator<ListedObject, void, undefined> {
  for await (const batch of batches) yield* batch;
}
