// Source videos as local files, for the media processes to read: each fetched from the store once, in a folder of this worker's own.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { materialiseSource } from '../../common/sources/source.ts';
import type { StoredSource } from '../../common/sources/source.ts';
import type { Store } from '../../common/store/ports.ts';
import { SOURCE_NAME } from '../../common/sources/source-name.ts';

/** Sources kept at once; a render has one, a batch shares few. */
const SOURCES_MAX = 8;

export class SourceCache {
  readonly #store: Store;
  readonly #paths = new Map<string, Promise<string>>();
  #folder: Promise<string> | undefined;
  #count = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A path to the source, valid until the cache is closed or eight others were asked for. */
  async pathOf(source: StoredSource): Promise<string> {
    const key = `${source.kind}:${source.digest}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = this.#fetch(source);
      path.catch(() => this.#paths.delete(key));
    }
    this.#paths.delete(key);
    this.#paths.set(key, path);
    await this.#evict();
    return path;
  }

  /** Removes everything. */
  async close(): Promise<void> {
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #fetch(source: StoredSource): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'bivdiff-source-'));
    this.#count += 1;
    const own = join(await this.#folder, String(this.#count));
    await mkdir(own);
    const path = join(own, SOURCE_NAME);
    await materialiseSource(this.#store, source, path);
    return path;
  }

  async #evict(): Promise<void> {
    while (this.#paths.size > SOURCES_MAX) {
      const [key, path] = this.#paths.entries().next().value!;
      this.#paths.delete(key);
      await rm(dirname(await path), { recursive: true, force: true });
    }
  }
}
