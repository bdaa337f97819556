// Source videos as local files, for the media processes to read: each fetched from the store once, in a folder of this process's own.

import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { makeTemporaryFolder, temporaryFailure } from '../../common/files/temporary-folder.ts';
import type { TemporaryFolder } from '../../common/files/temporary-folder.ts';
import { SOURCE_NAME } from '../../common/sources/source-name.ts';
import { materialiseSource } from '../../common/sources/source.ts';
import type { StoredSource } from '../../common/sources/source.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Task } from '../../common/task.ts';

/** Sources kept at once beside those that are being read; a render has one, a batch shares few. */
const SOURCES_MAX = 8;

/** A source that lies at `path` until it is disposed of. */
export interface HeldSource extends AsyncDisposable {
  readonly path: string;
}

/** @throws internal — the task names none */
export function sourceOfTask({ id, stage, sources }: Task): StoredSource {
  for (const kind of ['video', 'folder'] as const) {
    const digest = sources[kind];
    if (digest !== undefined) return { kind, digest };
  }
  throw new BivdiffError('internal', `${stage} task ${id} names no source`);
}

interface Entry {
  readonly path: Promise<string>;
  /** Who reads it, or waits for it. One that nobody holds may be removed. */
  holders: number;
}

export class SourceCache {
  readonly #store: Store;
  /** What was asked for longest ago first. */
  readonly #entries = new Map<string, Entry>();
  #folder: Promise<TemporaryFolder> | undefined;
  #count = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The source as a file or folder; any number may be held at once, one of them by several. @throws BivdiffError — it cannot be fetched */
  async hold(source: StoredSource): Promise<HeldSource> {
    const key = `${source.kind}:${source.digest}`;
    const entry = this.#entries.get(key) ?? this.#begin(key, source);
    entry.holders += 1;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    try {
      const path = await entry.path;
      return { path, [Symbol.asyncDispose]: () => this.#release(entry) };
    } catch (reason) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw reason;
    }
  }

  /** Removes everything. Call it when nothing is held any more. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ path }) => path));
    this.#entries.clear();
    await (await this.#folder)?.[Symbol.asyncDispose]();
  }

  /** Everything up to the first wait, its number above all, is settled before another source is asked for. */
  #begin(key: string, source: StoredSource): Entry {
    this.#count += 1;
    const entry: Entry = { path: this.#fetch(source, String(this.#count)), holders: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  async #fetch(source: StoredSource, name: string): Promise<string> {
    const folder = await this.#ownFolder();
    const own = join(folder, name);
    const path = join(own, SOURCE_NAME);
    try {
      await mkdir(own);
      await materialiseSource(this.#store, source, path);
      return path;
    } catch (reason) {
      await rm(own, { recursive: true, force: true });
      throw temporaryFailure(reason, folder);
    }
  }

  async #ownFolder(): Promise<string> {
    const making = (this.#folder ??= makeTemporaryFolder('source'));
    try {
      return (await making).path;
    } catch (reason) {
      if (this.#folder === making) this.#folder = undefined;
      throw reason;
    }
  }

  async #release(entry: Entry): Promise<void> {
    entry.holders -= 1;
    const unheld = [...this.#entries].filter(([, { holders }]) => holders === 0);
    for (const [key, { path }] of unheld.slice(0, -SOURCES_MAX)) {
      this.#entries.delete(key);
      // What cannot be removed now goes with the folder.
      await rm(dirname(await path), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}
