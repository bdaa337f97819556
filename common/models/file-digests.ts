// SHA-256 of files, remembered on disk so that gigabytes of weights are hashed once and not at every start. Knows
// nothing of models.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';

import { cacheHome } from '../cache-home.ts';
import { BivdiffError } from '../errors.ts';
import type { Digest } from '../task.ts';

export interface FileDigests {
  /** Of the file's bytes; read in chunks, and once for all calls. @throws not-found — it is absent */
  digestOf(path: string): Promise<Digest>;
  /** Remembers what was hashed. Never fails: without the memory it only takes longer next time. */
  save(): Promise<void>;
}

export interface FileDigestOptions {
  /** Where to remember; false to hash everything each time. @default defaultDigestCacheFolder() */
  readonly cacheFolder?: string | false;
  readonly signal?: AbortSignal;
}

const entrySchema = z.object({
  bytes: z.number(),
  mtimeNs: z.string(),
  ctimeNs: z.string(),
  inode: z.string(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
type Entry = z.infer<typeof entrySchema>;
const memorySchema = z.object({ version: z.literal(1), files: z.record(z.string(), entrySchema) });

const CHUNK_BYTES = 1024 * 1024;
/** Files remembered; the oldest are forgotten first. A set has some thirty. */
const FILES_MAX = 2_000;
/** A file changed less than this ago may change again without its times telling. */
const SETTLED_MS = 2_000;

/**
 * `bivdiff` in XDG_CACHE_HOME, or in ~/.cache. BIVDIFF_DIGEST_CACHE=off turns the memory off.
 */
export function defaultDigestCacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | false {
  if (env['BIVDIFF_DIGEST_CACHE'] === 'off') return false;
  return cacheHome(env);
}

/** Reads what is remembered; a damaged memory counts as empty. */
export async function openFileDigests(options: FileDigestOptions = {}): Promise<FileDigests> {
  const folder = options.cacheFolder ?? defaultDigestCacheFolder();
  const memory = folder === false ? undefined : join(folder, 'file-digests.json');
  const known = await readMemory(memory);
  const learnt = new Map<string, Entry>();
  const running = new Map<string, Promise<Digest>>();
  return {
    digestOf: async (path) => {
      const digest =
        running.get(path) ?? digestFile(path, { known, learnt, signal: options.signal });
      running.set(path, digest);
      return digest;
    },
    save: async () => {
      if (memory === undefined || folder === false || learnt.size === 0) return;
      // Read again: another process may have written meanwhile.
      const files = [...(await readMemory(memory)), ...learnt].slice(-FILES_MAX);
      await writeMemory(folder, memory, Object.fromEntries(files)).catch(() => undefined);
    },
  };
}

interface Hashing {
  readonly known: ReadonlyMap<string, Entry>;
  readonly learnt: Map<string, Entry>;
  readonly signal: AbortSignal | undefined;
}

async function digestFile(path: string, { known, learnt, signal }: Hashing): Promise<Digest> {
  try {
    const before = await identityOf(path);
    const remembered = known.get(path);
    if (remembered !== undefined && isSame(remembered, before)) return remembered.digest as Digest;
    const hash = createHash('sha256');
    const source = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    await pipeline(source, hash, signal === undefined ? {} : { signal });
    const digest = hash.digest('hex');
    const isSettled = Date.now() - Number(BigInt(before.mtimeNs) / 1_000_000n) > SETTLED_MS;
    if (isSettled && isSame(before, await identityOf(path)))
      learnt.set(path, { ...before, digest });
    return digest as Digest;
  } catch (reason) {
    throw BivdiffError.from(reason, `hashing ${path}`);
  }
}

async function identityOf(path: string): Promise<Omit<Entry, 'digest'>> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
  return {
    bytes: Number(size),
    mtimeNs: String(mtimeNs),
    ctimeNs: String(ctimeNs),
    inode: String(ino),
  };
}

function isSame(a: Omit<Entry, 'digest'>, b: Omit<Entry, 'digest'>): boolean {
  return (
    a.bytes === b.bytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.inode === b.inode
  );
}

async function readMemory(path: string | undefined): Promise<Map<string, Entry>> {
  if (path === undefined) return new Map();
  try {
    const { files } = memorySchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return new Map(Object.entries(files));
  } catch {
    return new Map();
  }
}

async function writeMemory(
  folder: string,
  path: string,
  files: Readonly<Record<string, Entry>>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${String(process.pid)}.tmp`;
  await writeFile(draft, JSON.stringify({ version: 1, files }));
  await rename(draft, path);
}
