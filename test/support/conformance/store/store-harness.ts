// What the conformance suite needs of an adapter under test: a fresh store, a second handle on it, and a way to damage it
// from outside, as a disk would.

import { utimesSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openFileStore } from '../../../../common/store/file/index.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { MemoryFile } from '../../../../common/store/memory/index.ts';
import type { Store, StoreUpkeep } from '../../../../common/store/ports.ts';

/** `name`: the digest, the task id, or `kind/id`. */
export interface StoredName {
  readonly area: 'artifacts' | 'records' | 'documents';
  readonly name: string;
}

export interface StoreHarness {
  readonly store: Store & StoreUpkeep;
  /** Another handle on the same store, as another process has. */
  openAgain(): Promise<Store & StoreUpkeep>;
  /** Replaces what is stored, behind the store's back; undefined removes it. */
  rewrite(what: StoredName, change: (bytes: Uint8Array) => Uint8Array | undefined): Promise<void>;
  /** Makes it look as if last used then, at once. */
  setAge(what: StoredName, changedMs: number): void;
  dispose(): Promise<void>;
}

export async function createMemoryHarness(): Promise<StoreHarness> {
  const files = new Map<string, MemoryFile>();
  const keyOf = ({ area, name }: StoredName): string => `${area}/${name}`;
  const fileOf = (what: StoredName): MemoryFile => files.get(keyOf(what)) ?? missing(what);
  return {
    store: createMemoryStore({ files }),
    openAgain: async () => createMemoryStore({ files }),
    rewrite: async (what, change) => {
      const { bytes, changedMs } = fileOf(what);
      const changed = change(new Uint8Array(bytes));
      if (changed === undefined) files.delete(keyOf(what));
      else files.set(keyOf(what), { bytes: changed, changedMs });
    },
    setAge: (what, changedMs) => {
      files.set(keyOf(what), { ...fileOf(what), changedMs });
    },
    dispose: async () => undefined,
  };
}

export async function createFileHarness(): Promise<StoreHarness & { readonly folder: string }> {
  const top = await mkdtemp(join(tmpdir(), 'bivdiff-store-'));
  const folder = join(top, 'store');
  return {
    folder,
    store: await openFileStore(folder),
    openAgain: () => openFileStore(folder),
    rewrite: async (what, change) => {
      const path = storedPath(folder, what);
      const changed = change(new Uint8Array(await readFile(path)));
      if (changed === undefined) {
        await unlink(path);
        return;
      }
      await chmod(path, 0o644);
      await writeFile(path, changed);
    },
    setAge: (what, changedMs) => {
      utimesSync(storedPath(folder, what), changedMs / 1000, changedMs / 1000);
    },
    dispose: () => rm(top, { recursive: true, force: true }),
  };
}

/** Where a store directory keeps it, as ARCHITECTURE.md says; written out again here, so that a change is noticed. */
export function storedPath(folder: string, { area, name }: StoredName): string {
  switch (area) {
    case 'artifacts':
      return join(folder, 'artifacts', name.slice(0, 2), name);
    case 'records':
      return join(folder, 'records', name.slice(0, 2), `${name}.json`);
    case 'documents':
      return join(folder, 'documents', `${name}@doc`);
  }
}

function missing({ area, name }: StoredName): never {
  throw new Error(`the test damages what is not stored: ${area}/${name}`);
}
