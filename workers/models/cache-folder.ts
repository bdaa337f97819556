// The folder that fetched models lie in: files by their digest, and for each part a folder of hard links to them under
// the names that the part gives them, so that parts share their weights. What was unused longest goes first. Safe for
// several processes at once: everything is made elsewhere and then given its name.

import { randomBytes } from 'node:crypto';
import { link, lstat, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { PartFile } from '../../common/models/open-part.ts';
import type { Digest } from '../../common/task.ts';
import { withClaim } from './file-claim.ts';

/** What a process that died left half made. */
const LEFTOVER_MS = 24 * 3_600_000;

export interface CacheFolderOptions {
  readonly folder: string;
  readonly bytesMax: number;
  /** What was used so lately stays, whatever the bound: another process may be about to load it. */
  readonly idleMs: number;
}

export class CacheFolder {
  readonly #options: CacheFolderOptions;

  constructor(options: CacheFolderOptions) {
    this.#options = options;
  }

  /** Makes the folders, and removes what was left half made long ago. */
  async prepare(): Promise<void> {
    for (const name of ['parts', 'files', 'tmp']) await mkdir(this.#at(name), { recursive: true });
    for (const { path, changedMs } of await entriesOf(this.#at('tmp'))) {
      if (isLeftOver(changedMs)) await rm(path, { recursive: true, force: true });
    }
  }

  /** The folder that stands for the set of this part. */
  partFolder(part: Digest): string {
    return this.#at('parts', part);
  }

  /** Counts the part as used now. False if it is not there. */
  async touch(part: Digest): Promise<boolean> {
    const now = new Date();
    return utimes(this.partFolder(part), now, now).then(
      () => true,
      () => false,
    );
  }

  /** Sees to it that the file is there: lets `write` make it, unless it is there, or another process makes it just now. */
  async addOnce(
    digest: Digest,
    bytes: number,
    write: (path: string) => Promise<void>,
  ): Promise<void> {
    const add = async (): Promise<void> => {
      await this.makeRoom(bytes);
      await this.#addFile(digest, write);
    };
    const isDone = (): Promise<boolean> => this.#hasFile(digest, bytes);
    await withClaim(this.#at('tmp', `${digest}.claim`), add, { isDone });
  }

  async #hasFile(digest: Digest, bytes: number): Promise<boolean> {
    const found = await stat(this.#at('files', digest)).catch(() => undefined);
    return found?.size === bytes;
  }

  /** Elsewhere, then under its name. */
  async #addFile(digest: Digest, write: (path: string) => Promise<void>): Promise<void> {
    const path = this.#temporary();
    try {
      await write(path);
      await rename(path, this.#at('files', digest));
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Makes a part's folder of files that are there. @throws ENOENT — one was evicted meanwhile */
  async addPart(part: Digest, files: readonly PartFile[]): Promise<void> {
    const folder = this.#temporary();
    try {
      for (const { name, digest } of files) {
        const path = join(folder, name);
        await mkdir(dirname(path), { recursive: true });
        await linkOrMove(this.#at('files', digest), path);
      }
      await rename(folder, this.partFolder(part)).catch((reason: unknown) => {
        // Another process was first: its folder holds the same.
        if (!['EEXIST', 'ENOTEMPTY'].includes(errnoOf(reason))) throw reason;
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Removes a part and, even if other parts share them, its files. */
  async discard(part: Digest, files: readonly PartFile[]): Promise<void> {
    await this.#removePart(this.partFolder(part));
    for (const { digest } of files) await rm(this.#at('files', digest), { force: true });
  }

  /** Makes room for so many bytes more, by removing the parts that were unused longest. */
  async makeRoom(bytes: number): Promise<void> {
    const { bytesMax } = this.#options;
    const freed = new Set<number>();
    for (;;) {
      const parts = await this.#parts();
      const files = await this.#filesWithout(parts, freed);
      const sizes = new Map(
        [...files, ...parts.flatMap((part) => part.files)].map((file) => [file.inode, file.bytes]),
      );
      const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      if (total + bytes <= bytesMax) return;
      const [oldest] = parts
        .filter(({ changedMs }) => this.#isIdle(changedMs))
        .sort((a, b) => a.changedMs - b.changedMs);
      // All in use: then the bound has to give way.
      if (oldest === undefined) return;
      await this.#removePart(oldest.path);
      for (const { inode } of oldest.files) freed.add(inode);
    }
  }

  /** The files, after those were removed that no part uses: freed just now, or left over. A young one waits for its part. */
  async #filesWithout(parts: readonly Part[], freed: ReadonlySet<number>): Promise<Entry[]> {
    const used = new Set(parts.flatMap((part) => part.files.map(({ inode }) => inode)));
    const kept: Entry[] = [];
    for (const file of await entriesOf(this.#at('files'))) {
      const isUnused =
        !used.has(file.inode) && (freed.has(file.inode) || isLeftOver(file.changedMs));
      if (isUnused) await rm(file.path, { force: true });
      else kept.push(file);
    }
    return kept;
  }

  async #parts(): Promise<Part[]> {
    const parts: Part[] = [];
    for (const entry of await entriesOf(this.#at('parts'))) {
      const files = await entriesOf(entry.path, { recursive: true });
      parts.push({ ...entry, files });
    }
    return parts;
  }

  /** Away at once, then bit by bit. */
  async #removePart(path: string): Promise<void> {
    const aside = this.#temporary();
    await rename(path, aside).catch((reason: unknown) => {
      if (errnoOf(reason) !== 'ENOENT') throw reason;
    });
    await rm(aside, { recursive: true, force: true });
  }

  #isIdle(usedMs: number): boolean {
    return Date.now() - usedMs >= this.#options.idleMs;
  }

  #temporary(): string {
    return this.#at('tmp', randomBytes(8).toString('hex'));
  }

  #at(...names: string[]): string {
    return join(this.#options.folder, ...names);
  }
}

function isLeftOver(changedMs: number): boolean {
  return Date.now() - changedMs > LEFTOVER_MS;
}

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly inode: number;
  readonly changedMs: number;
}

interface Part extends Entry {
  readonly files: readonly Entry[];
}

/** What is in a folder now; recursive: only the files. What vanishes meanwhile is left out. */
async function entriesOf(folder: string, { recursive = false } = {}): Promise<Entry[]> {
  const found = await readdir(folder, { recursive, withFileTypes: true }).catch(() => []);
  const entries: Entry[] = [];
  for (const entry of found) {
    if (recursive && !entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const facts = await lstat(path).catch(() => undefined);
    if (facts === undefined) continue;
    entries.push({ path, bytes: facts.size, inode: facts.ino, changedMs: facts.mtimeMs });
  }
  return entries;
}

/** A file system without hard links gives the file to one part; the next one fetches it again. */
async function linkOrMove(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (reason: unknown) => {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(reason))) {
      throw reason;
    }
    await rename(from, to);
  });
}

function errnoOf(reason: unknown): string {
  return (reason as NodeJS.ErrnoException).code ?? '';
}
