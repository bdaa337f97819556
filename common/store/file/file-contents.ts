// Lists and checks a store directory for upkeep (../upkeep.ts). Files that are not the store's are passed over.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isDigest } from '../../digest.ts';
import type { Digest, ResultRecord, TaskId } from '../../task.ts';
import { documentNameOf } from '../contents.ts';
import type { Area, StoreContents, StoredItem } from '../contents.ts';
import { Gate } from '../../gate.ts';
import { DOCUMENT_KINDS } from '../names.ts';
import type { ArtifactFiles } from './artifact-files.ts';
import type { DocumentFiles } from './document-files.ts';
import { statIfThere } from './file-operations.ts';
import type { RecordFiles } from './record-files.ts';
import { RECORD_SUFFIX } from './store-folder.ts';
import type { StoreFolder } from './store-folder.ts';

/** More would keep renders waiting for the disk. */
const LOOKS_AT_ONCE = 8;

export interface FileContentsParts {
  readonly folder: StoreFolder;
  readonly artifacts: ArtifactFiles;
  readonly records: RecordFiles;
  readonly documents: DocumentFiles;
}

export class FileContents implements StoreContents {
  readonly #parts: FileContentsParts;

  constructor(parts: FileContentsParts) {
    this.#parts = parts;
  }

  list(area: Area): AsyncIterable<readonly StoredItem[]> {
    switch (area) {
      case 'artifacts':
        return this.#listShards(area, '');
      case 'records':
        return this.#listShards(area, RECORD_SUFFIX);
      case 'documents':
        return this.#listDocuments();
      case 'quarantine':
        return this.#listQuarantine();
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
    const outcome = await this.#parts.folder.remove(this.#pathOf(item), async (path) =>
      isUnwanted((await stat(path)).mtimeMs),
    );
    return outcome === 'moved';
  }

  async *#listShards(
    area: 'artifacts' | 'records',
    suffix: string,
  ): AsyncGenerator<readonly StoredItem[]> {
    const top = this.#parts.folder[area];
    for (const shard of await readdir(top)) {
      if (!/^[0-9a-f]{2}$/.test(shard)) continue;
      const names = (await readdir(join(top, shard)))
        .filter((file) => file.endsWith(suffix))
        .map((file) => file.slice(0, file.length - suffix.length));
      yield await this.#look(area, names.filter(isDigest));
    }
  }

  async *#listDocuments(): AsyncGenerator<readonly StoredItem[]> {
    for (const kind of DOCUMENT_KINDS) {
      const names = await this.#parts.documents.list(kind, '');
      yield await this.#look(
        'documents',
        names.map(({ id }) => `${kind}/${id}`),
      );
    }
  }

  async *#listQuarantine(): AsyncGenerator<readonly StoredItem[]> {
    yield await this.#look('quarantine', await readdir(this.#parts.folder.quarantine));
  }

  async #look(area: Area, names: readonly string[]): Promise<readonly StoredItem[]> {
    const gate = new Gate(LOOKS_AT_ONCE);
    const items = await Promise.all(
      names.map((name) =>
        gate.run(async (): Promise<StoredItem | undefined> => {
          const found = await statIfThere(this.#pathOf({ area, name }));
          return found && { area, name, bytes: found.size, changedMs: found.mtimeMs };
        }),
      ),
    );
    return items.filter((item) => item !== undefined);
  }

  #pathOf({ area, name }: Pick<StoredItem, 'area' | 'name'>): string {
    const { folder } = this.#parts;
    switch (area) {
      case 'artifacts':
        return folder.artifactPath(name as Digest);
      case 'records':
        return folder.recordPath(name as TaskId);
      case 'documents':
        return folder.documentPath(documentNameOf({ name }));
      case 'quarantine':
        return join(folder.quarantine, name);
    }
  }
}
