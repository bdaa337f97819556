// A digest is not a right: an owner of jobs gets what the owner has brought, and what the owner's jobs have made. Whether anything
// else is in the store is not told.

import { BivdiffError } from '../../../common/errors.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { Digest, JobId } from '../../../common/task.ts';
import { readListing } from '../../../common/sources/source.ts';
import type { StoredSource } from '../../../common/sources/source.ts';
import type { Manifest } from '../../jobs/manifest.ts';
import type { Caller } from './caller.ts';

/** Jobs whose outputs are remembered; of one that is forgotten the manifest is read again. */
const JOBS_REMEMBERED = 4_096;
/** The same for uploads. */
const UPLOADS_REMEMBERED = 65_536;
/** Frames that were listed; one that is forgotten is readable again once it is listed again. Readers fetch as they list. */
const FRAMES_REMEMBERED = 262_144;

export interface ArtifactRightsOptions {
  readonly store: Store;
  /** Jobs that are done and that the caller may see, newest first. */
  readonly doneJobs: (caller: Caller) => Iterable<JobId>;
}

export class ArtifactRights {
  readonly #options: ArtifactRightsOptions;
  readonly #outputs = new Map<JobId, ReadonlySet<string>>();
  readonly #uploads = new Set<string>();
  /** Of jobs that need not be done, so that no manifest names them. Not kept beyond this coordinator's life: clients list first. */
  readonly #frames = new Set<string>();
  /** By owner, of whom there are as many as in the tokens file. */
  readonly #lastRead = new Map<string, JobId>();

  constructor(options: ArtifactRightsOptions) {
    this.#options = options;
  }

  /** The caller has brought these bytes: whoever did may have them back, and render from them. False if they had done so before. */
  async noteUpload(caller: Caller, digest: Digest, bytes: number): Promise<boolean> {
    if (hasAll(caller) || (await this.hasBrought(caller, digest))) return false;
    const note = Buffer.from(JSON.stringify({ atMs: Date.now(), bytes }));
    const name = { kind: 'upload', id: idOf(caller, digest) } as const;
    return (await this.#options.store.putDocument(name, note)) === 'created';
  }

  async hasBrought(caller: Caller, digest: Digest): Promise<boolean> {
    if (hasAll(caller)) return true;
    const id = idOf(caller, digest);
    if (this.#uploads.has(id)) return true;
    if ((await this.#options.store.getDocument({ kind: 'upload', id })) === undefined) return false;
    this.#uploads.add(id);
    forgetOldest(this.#uploads, UPLOADS_REMEMBERED);
    return true;
  }

  /** The caller was told of these finished frames of a job in the caller's scope. */
  noteFrames(caller: Caller, digests: readonly Digest[]): void {
    if (hasAll(caller)) return;
    for (const digest of digests) {
      const id = idOf(caller, digest);
      this.#frames.delete(id);
      this.#frames.add(id);
      forgetOldest(this.#frames, FRAMES_REMEMBERED);
    }
  }

  async mayRead(caller: Caller, digest: Digest): Promise<boolean> {
    if (this.#frames.has(idOf(caller, digest))) return true;
    if (await this.hasBrought(caller, digest)) return true;
    // Who fetches one file of a job fetches the others too; and who may see a job may see it ever after.
    const last = this.#lastRead.get(caller.owner);
    if (last !== undefined && (await this.#outputsOf(last)).has(digest)) return true;
    for (const jobId of this.#options.doneJobs(caller)) {
      if (!(await this.#outputsOf(jobId)).has(digest)) continue;
      this.#lastRead.set(caller.owner, jobId);
      return true;
    }
    return false;
  }

  /**
   * Refuses a source that is not the caller's: by its digest alone anybody could have others' videos rendered.
   * @throws not-found — it, or a picture of the folder
   */
  async checkSource(caller: Caller, source: StoredSource): Promise<void> {
    if (hasAll(caller)) return;
    await this.#check(caller, source.digest);
    if (source.kind === 'video') return;
    for (const { digest } of await readListing(this.#options.store, source.digest)) {
      await this.#check(caller, digest);
    }
  }

  async #check(caller: Caller, digest: Digest): Promise<void> {
    if (await this.mayRead(caller, digest)) return;
    throw new BivdiffError('not-found', `the source ${digest} was not uploaded by ${caller.owner}`);
  }

  /** A manifest is written once. */
  async #outputsOf(jobId: JobId): Promise<ReadonlySet<string>> {
    const known = this.#outputs.get(jobId);
    if (known !== undefined) return known;
    const bytes = await this.#options.store.getDocument({ kind: 'manifest', id: jobId });
    if (bytes === undefined) return new Set();
    const { outputs } = JSON.parse(Buffer.from(bytes).toString()) as Manifest;
    const digests = new Set(
      outputs.flatMap(({ artifacts }) => artifacts.map(({ digest }) => String(digest))),
    );
    this.#outputs.set(jobId, digests);
    forgetOldest(this.#outputs, JOBS_REMEMBERED);
    return digests;
  }
}

/** Workers make and take whatever the farm's tasks need. */
export function hasAll({ roles }: Caller): boolean {
  return roles.has('operate') || roles.has('worker');
}

function idOf({ owner }: Caller, digest: Digest): string {
  return `${owner}/${digest}`;
}

function forgetOldest(known: Map<JobId, unknown> | Set<string>, max: number): void {
  if (known.size <= max) return;
  const [oldest] = known.keys();
  if (oldest !== undefined) (known as Set<string>).delete(oldest);
}
