// The folder of graphs as ONNX Runtime has optimised them, each with its weights as kernels read them. Such a graph is mapped where it would
// be built: it loads in a tenth of the time, and lanes and processes share its weights in the page cache. What was unused longest goes first.
// Safe for several processes at once: everything is made elsewhere and then given its name. Knows nothing of ONNX Runtime.

import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

import { cacheHome } from '../../../common/cache-home.ts';
import { ownName, removeLeftovers } from '../../../common/files/leftovers.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';

export interface KeptGraphs {
  /** Made when it is first needed. Processes may share it. */
  readonly folder: string;
  /** How large it may get. */
  readonly bytesMax: number;
  /** Graphs of less weights load so fast that none of it pays. */
  readonly weightBytesMin: number;
}

const GIB = 2 ** 30;
const GIB_DEFAULT = 64;
const WEIGHT_BYTES_MIN = 2 ** 27;
/** Weights that are products' factors are kept as they were and as kernels read them; about 1.3 in Stable Diffusion's UNet. */
const SIZE_PER_WEIGHTS = 2;
/** Of what the disk has left. */
const FREE_SHARE_MAX = 0.5;
/** Another that is making the same is waited for, but not if it hangs. */
const WAIT_MS = 5 * 60_000;
const POLL_MS = 200;

const GRAPH_FILE = 'model.onnx';
export const WEIGHTS_FILE = 'weights.bin';
const FACTS_FILE = 'kept.json';
const MAKING = 'making-';

/** In `graphs` of the cache's folder. BIVDIFF_GRAPH_CACHE_GIB says how large it may get; undefined: 0, nothing is kept. */
export function keptGraphsHere(
  env: Readonly<Record<string, string | undefined>> = process.env,
): KeptGraphs | undefined {
  const gib = Number(env['BIVDIFF_GRAPH_CACHE_GIB'] ?? GIB_DEFAULT);
  // What is no number keeps nothing: it was meant to bound it.
  if (!(gib > 0)) return undefined;
  const folder = join(cacheHome(env), 'graphs');
  return { folder, bytesMax: gib * GIB, weightBytesMin: WEIGHT_BYTES_MIN };
}

const factsSchema = z.object({
  version: z.literal(1),
  files: z.record(z.string(), z.string()),
});

/**
 * Path of the graph that is kept under `key`, 64 hex digits; `make` writes it, GRAPH_FILE with WEIGHTS_FILE beside it, if it is not there or was
 * changed since. Undefined if it cannot be kept: too large, no room, or not written whole. Throws nothing.
 */
export async function keptGraph(
  { folder, bytesMax }: KeptGraphs,
  key: string,
  { weightBytes, make }: { weightBytes: number; make: (path: string) => Promise<void> },
): Promise<string | undefined> {
  const entry = join(folder, key);
  const found = await findGraph(entry);
  if (found !== undefined) return found;
  const bytes = SIZE_PER_WEIGHTS * weightBytes;
  if (bytes > bytesMax) return undefined;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await removeLeftovers(folder, MAKING);
    if (await waitForOther(folder, key)) return await findGraph(entry);
    await makeRoom(folder, bytesMax - bytes);
    if (!(await hasRoom(folder, bytes))) return undefined;
    await makeGraph(folder, key, make);
    return await findGraph(entry);
  } catch {
    // A folder that cannot be written, a full disk: what is kept saves time, and is needed for nothing.
    return undefined;
  }
}

/** Removes what is kept under `key`: it could not be used. Throws nothing. */
export async function dropGraph({ folder }: KeptGraphs, key: string): Promise<void> {
  await removeEntry(folder, key).catch(() => undefined);
}

/** Its path, if it is whole and as it was written; counts it as used now. */
async function findGraph(entry: string): Promise<string | undefined> {
  try {
    const text = await readFile(join(entry, FACTS_FILE), 'utf8');
    const { files } = factsSchema.parse(JSON.parse(text));
    for (const name of [GRAPH_FILE, WEIGHTS_FILE]) {
      if (files[name] === undefined || files[name] !== (await identityOf(join(entry, name)))) {
        return undefined;
      }
    }
    const now = new Date();
    await utimes(entry, now, now);
    return join(entry, GRAPH_FILE);
  } catch {
    return undefined;
  }
}

/** Differs once a file was written to, cut or replaced: gigabytes are not hashed at each load. */
async function identityOf(path: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
  return [size, mtimeNs, ctimeNs, ino].join(' ');
}

/** Whether another lane or process was making it when this began; it has ended, or hangs. */
async function waitForOther(folder: string, key: string): Promise<boolean> {
  const isMade = async (): Promise<boolean> => {
    const names = await readdir(folder);
    return names.some((name) => name.startsWith(`${MAKING}${key}-`));
  };
  if (!(await isMade())) return false;
  const untilMs = performance.now() + WAIT_MS;
  while ((await isMade()) && performance.now() < untilMs) {
    await sleep(POLL_MS);
    await removeLeftovers(folder, MAKING);
  }
  return true;
}

async function makeGraph(
  folder: string,
  key: string,
  make: (path: string) => Promise<void>,
): Promise<void> {
  const making = join(folder, await ownName(`${MAKING}${key}-`, ''));
  await mkdir(making);
  try {
    const graph = join(making, GRAPH_FILE);
    await make(graph);
    const files: Record<string, string> = {};
    for (const { location, bytesNeeded } of readOnnxFile(graph).externalFiles) {
      const { size } = await stat(join(making, location));
      if (size < bytesNeeded) throw new RangeError(`${location} was not written whole`);
    }
    for (const name of [GRAPH_FILE, WEIGHTS_FILE]) {
      await flush(join(making, name));
      files[name] = await identityOf(join(making, name));
    }
    await writeFile(join(making, FACTS_FILE), JSON.stringify({ version: 1, files }), {
      flush: true,
    });
    // Another has made the same meanwhile.
    if ((await findGraph(join(folder, key))) !== undefined) return;
    await removeEntry(folder, key);
    await rename(making, join(folder, key));
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** So that a power cut cannot leave a name without its bytes. */
async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

async function hasRoom(folder: string, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bytes <= FREE_SHARE_MAX * bavail * bsize;
}

/** Removes what was unused longest until no more than `bytesMax` are left. One that is mapped stays mapped. */
async function makeRoom(folder: string, bytesMax: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith(MAKING));
  const entries = await Promise.all(names.map((name) => sizeOf(folder, name)));
  entries.sort((a, b) => b.usedMs - a.usedMs);
  let total = 0;
  for (const { name, bytes } of entries) {
    total += bytes;
    if (total > bytesMax) await removeEntry(folder, name);
  }
}

async function sizeOf(folder: string, name: string) {
  const entry = join(folder, name);
  const facts = await stat(entry).catch(() => undefined);
  let bytes = 0;
  for (const file of await readdir(entry).catch(() => [])) {
    bytes += (await stat(join(entry, file)).catch(() => undefined))?.size ?? 0;
  }
  return { name, bytes, usedMs: facts?.mtimeMs ?? 0 };
}

/** Away at once, then bit by bit. */
async function removeEntry(folder: string, name: string): Promise<void> {
  const aside = join(folder, await ownName(`${MAKING}away-`, ''));
  const isThere = await rename(join(folder, name), aside).then(
    () => true,
    (reason: unknown) => {
      if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw reason;
    },
  );
  if (isThere) await rm(aside, { recursive: true, force: true });
}
