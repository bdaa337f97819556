// Model parts that come out of the farm's store: fetched by digest into a folder of this machine, checked before they are used.

import { BivdiffError } from '../../common/errors.ts';
import { defaultDigestCacheFolder, openFileDigests } from '../../common/models/file-digests.ts';
import type { FileDigestOptions } from '../../common/models/file-digests.ts';
import type { ModelPart } from '../../common/models/model-set.ts';
import { openPart } from '../../common/models/open-part.ts';
import { placeOf, readPartListing } from '../../common/models/stored-part.ts';
import type { PartListing } from '../../common/models/stored-part.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import { CacheFolder } from './cache-folder.ts';

/** A task that has its models waits for a slot and for its inputs before it loads them. */
const IDLE_MS = 10 * 60_000;
/** The first may find that another process has just evicted what it needs, or that what is there is damaged. */
const TRIES_MAX = 3;

export interface ModelCacheOptions {
  /** Made when it is first needed. Processes may share it. */
  readonly folder: string;
  readonly store: Pick<Store, 'getDocument' | 'getArtifactFile'>;
  /** More only if that much is in use at once. */
  readonly bytesMax: number;
  /** Called when a part is fetched. */
  readonly onFetch?: (listing: PartListing) => void;
  /** What was used so lately is not evicted. @default 10 minutes */
  readonly idleMs?: number;
}

export class ModelCache {
  readonly #options: ModelCacheOptions;
  readonly #folder: CacheFolder;
  readonly #parts = new Map<Digest, Promise<ModelPart | undefined>>();
  readonly #fetching = new Map<Digest, Promise<void>>();
  #ready: Promise<void> | undefined;

  constructor(options: ModelCacheOptions) {
    const { folder, bytesMax, idleMs = IDLE_MS } = options;
    this.#options = options;
    this.#folder = new CacheFolder({ folder, bytesMax, idleMs });
  }

  /**
   * The part with exactly this digest, undefined if neither cache nor store has it.
   * @throws failed-precondition — the store has it no longer whole
   * @throws resource-exhausted — no room for it
   */
  async find(digest: Digest): Promise<ModelPart | undefined> {
    const known = this.#parts.get(digest);
    if (known !== undefined) {
      const part = await known;
      if (await this.#folder.touch(digest)) return part;
      // Evicted by another process.
      if (this.#parts.get(digest) === known) this.#parts.delete(digest);
    }
    const loading = this.#parts.get(digest) ?? this.#load(digest);
    this.#parts.set(digest, loading);
    const forget = (): void => {
      if (this.#parts.get(digest) === loading) this.#parts.delete(digest);
    };
    // What is not there today may be there with the next job.
    loading.then((part) => part ?? forget(), forget);
    return loading;
  }

  async #load(digest: Digest): Promise<ModelPart | undefined> {
    const { store } = this.#options;
    this.#ready ??= this.#folder.prepare();
    await this.#ready;
    const listing = await readPartListing(store, digest);
    if (listing === undefined) return undefined;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (await this.#folder.touch(digest)) {
        const part = await this.#open(listing, digest);
        if (part !== undefined) return part;
        await this.#folder.discard(digest, listing.files);
      }
      await this.#fetch(listing, digest);
    }
    const part = await this.#open(listing, digest);
    if (part !== undefined) return part;
    throw new BivdiffError(
      'failed-precondition',
      `the files of model part ${listing.name} (${digest.slice(0, 12)}) do not make up that part`,
      { hint: `Is there a program that changes ${this.#options.folder}?` },
    );
  }

  /** Undefined unless every byte is as the digest says. */
  async #open(listing: PartListing, digest: Digest): Promise<ModelPart | undefined> {
    const root = this.#folder.partFolder(digest);
    const digests = await openFileDigests(this.#digestMemory());
    const part = await openPart(placeOf(listing, root), { root, digests });
    await digests.save();
    return part !== undefined && !('length' in part) && part.digest === digest ? part : undefined;
  }

  /** Kept beside the models, unless the user turned it off. */
  #digestMemory(): FileDigestOptions {
    const isOff = defaultDigestCacheFolder() === false;
    return { cacheFolder: isOff ? false : this.#options.folder };
  }

  async #fetch(listing: PartListing, digest: Digest): Promise<void> {
    this.#options.onFetch?.(listing);
    try {
      for (const { digest: file, bytes } of listing.files) await this.#fetchFile(file, bytes);
      await this.#folder.addPart(digest, listing.files);
    } catch (reason) {
      // Evicted between the two: the next try fetches it again.
      if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw this.#failure(reason, listing);
    }
  }

  /** Once, however many parts of this process want it, and one process of those that share the folder. */
  async #fetchFile(digest: Digest, bytes: number): Promise<void> {
    const fetching = this.#fetching.get(digest) ?? this.#fetchNew(digest, bytes);
    this.#fetching.set(digest, fetching);
    await fetching.finally(() => this.#fetching.delete(digest));
  }

  async #fetchNew(digest: Digest, bytes: number): Promise<void> {
    await this.#folder.addOnce(digest, bytes, (path) => {
      return this.#options.store.getArtifactFile(digest, path);
    });
  }

  /** No loss of a task's result: no other task can make it again. */
  #failure(reason: unknown, listing: PartListing): BivdiffError {
    const error = BivdiffError.from(reason, `fetching model part ${listing.name}`);
    if (error.code !== 'data-loss') return error;
    return new BivdiffError(
      'failed-precondition',
      `the store has not all files of model part ${listing.name}: ${error.message}`,
      { hint: 'Submit the job again: that puts its models into the store.', cause: error },
    );
  }
}
