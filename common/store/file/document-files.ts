// Named documents in a store directory: few, small, and on the disk before anybody is told that they are accepted.

import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { BivdiffError } from '../../errors.ts';
import { Gate } from '../../gate.ts';
import { decodeDocument, encodeDocument } from '../envelope.ts';
import type { DocumentKind, DocumentName } from '../ports.ts';
import {
  errnoOf,
  linkIfAbsent,
  readFileIfThere,
  syncFolders,
  unlinkIfThere,
  writeNewFileSynced,
} from './file-operations.ts';
import { QuickFiles } from './quick-files.ts';
import { DOCUMENT_SUFFIX } from './store-folder.ts';
import type { StoreFolder } from './store-folder.ts';

/** Each further try means that another process changed the same document in between; twice is already odd. */
const TRIES_MAX = 8;
/** Each job of a farm has a folder of its own. */
const LISTS_AT_ONCE = 16;

export class DocumentFiles {
  readonly #folder: StoreFolder;
  readonly #quick = new QuickFiles();
  readonly #lists = new Gate(LISTS_AT_ONCE);

  constructor(folder: StoreFolder) {
    this.#folder = folder;
  }

  async put(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const path = this.#folder.documentPath(name);
    const temporary = this.#folder.temporaryPath();
    try {
      await writeNewFileSynced(temporary, encodeDocument(bytes));
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const isCreated = await linkIfAbsent(temporary, path);
        if (!isCreated && (await this.get(name)) === undefined) continue;
        // Also when it exists: who put it may not have come to this yet.
        await syncFolders(dirname(path), this.#folder.documents);
        return isCreated ? 'created' : 'exists';
      }
    } finally {
      await unlinkIfThere(temporary);
    }
    throw new BivdiffError('aborted', `document ${name.kind}/${name.id}: others keep changing it`, {
      hint: `Look whether something else writes into ${this.#folder.root}.`,
    });
  }

  async get(name: DocumentName): Promise<Uint8Array | undefined> {
    return (await this.#read(name)).bytes;
  }

  /** False if it was damaged, and is aside now. Absent counts as sound. */
  async isSound(name: DocumentName): Promise<boolean> {
    return !(await this.#read(name)).wasDamaged;
  }

  async #read(name: DocumentName): Promise<{ bytes?: Uint8Array; wasDamaged: boolean }> {
    const path = this.#folder.documentPath(name);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const quick = this.#quick.read(path);
      const stored = quick === undefined ? await readFileIfThere(path) : (quick ?? undefined);
      if (stored === undefined) return { wasDamaged: false };
      const bytes = decodeDocument(stored);
      if (bytes !== undefined) return { bytes, wasDamaged: false };
      const outcome = await this.#folder.moveAside(
        path,
        `document.${name.kind}.${name.id.replaceAll('/', '.').slice(0, 100)}`,
        async (moved) => decodeDocument(await readFile(moved)) === undefined,
      );
      if (outcome === 'moved') return { wasDamaged: true };
    }
    return { wasDamaged: false };
  }

  /** Sorted by id. */
  async list(kind: DocumentKind, prefix: string): Promise<readonly DocumentName[]> {
    const names: DocumentName[] = [];
    // What follows the last slash is part of a name; what is before it is a folder, and narrows the search.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    await this.#collect(kind, folder, names);
    return names.filter(({ id }) => id.startsWith(prefix)).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async delete(name: DocumentName): Promise<void> {
    const path = this.#folder.documentPath(name);
    await unlinkIfThere(path);
    if ((await entriesOf(dirname(path))) !== undefined) {
      await syncFolders(dirname(path), dirname(path));
    }
  }

  async #collect(kind: DocumentKind, folder: string, into: DocumentName[]): Promise<void> {
    const path = join(this.#folder.documentFolder(kind), folder);
    const within: Promise<void>[] = [];
    for (const entry of (await this.#lists.run(() => entriesOf(path))) ?? []) {
      if (entry.isDirectory()) within.push(this.#collect(kind, `${folder}${entry.name}/`, into));
      else if (entry.name.endsWith(DOCUMENT_SUFFIX)) {
        into.push({ kind, id: folder + entry.name.slice(0, -DOCUMENT_SUFFIX.length) });
      }
    }
    await Promise.all(within);
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT' || errnoOf(reason) === 'ENOTDIR') return undefined;
    throw reason;
  }
}
