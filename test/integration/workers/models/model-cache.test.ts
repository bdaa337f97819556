// Models by way of the store: what a coordinator puts in, a worker without models gets out, byte for byte, and nothing else. Over a
// store that they share, and over the coordinator's.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { canonicalJson } from '../../../../common/canonical-json.ts';
import { digestText } from '../../../../common/digest.ts';
import { openModelSet, partsOf } from '../../../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../../../common/models/model-set.ts';
import type { Digest } from '../../../../common/task.ts';
import { digestOfPart } from '../../../../common/models/open-part.ts';
import { isPartStored, readPartListing, storePart } from '../../../../common/models/stored-part.ts';
import { ModelCache } from '../../../../workers/models/model-cache.ts';
import { createRemoteHarness } from '../../../support/conformance/remote-store-harness.ts';
import { createFileHarness } from '../../../support/conformance/store/store-harness.ts';
import {
  failureOf,
  flipBit,
  remove,
  useStore,
} from '../../../support/conformance/store/use-store.ts';
import { TINY_SET } from '../../../support/models/paths.ts';

const GENEROUS = 2 ** 30;

let folder: string;
let set: ModelSet;
let fetched: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-cache-'));
  set = await openModelSet(TINY_SET, { cacheFolder: false });
  fetched = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** By their names in the set. */
async function contentsOf(part: ModelPart, root: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const path of part.files) files[relative(root, path)] = await readFile(path, 'base64');
  return files;
}

/** Without the places where it lies. */
function essence({ name, digest, config, bytes }: ModelPart) {
  return { name, digest, config, bytes };
}

async function bytesBelow(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = new Map<number, number>();
  for (const entry of entries.filter((found) => found.isFile())) {
    const { ino, size } = await stat(join(entry.parentPath, entry.name));
    sizes.set(ino, size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

describe.each([
  ['a shared folder', createFileHarness],
  ["the coordinator's store", createRemoteHarness],
])('models out of %s', (_, makeStore) => {
  const harness = useStore(makeStore);

  const openCache = (options: { bytesMax?: number; idleMs?: number } = {}): ModelCache =>
    new ModelCache({
      folder: join(folder, 'cache'),
      store: harness().store,
      bytesMax: GENEROUS,
      onFetch: ({ name }) => fetched.push(name),
      ...options,
    });
  const store = (part: ModelPart): Promise<void> =>
    storePart(harness().store, part, { root: set.folder });

  it('are those that were put in, every part and byte', async () => {
    const parts = partsOf(set);
    for (const part of parts) await store(part);
    const cache = openCache();
    for (const part of parts) {
      const found = (await cache.find(part.digest))!;
      expect(essence(found)).toEqual(essence(part));
      const root = join(folder, 'cache/parts', part.digest);
      expect(await contentsOf(found, root)).toEqual(await contentsOf(part, set.folder));
      expect(found.graph && relative(root, found.graph)).toBe(
        part.graph && relative(set.folder, part.graph),
      );
    }
    expect(fetched).toHaveLength(parts.length);
    // Weights that parts share lie there once.
    const distinct = new Set(parts.flatMap((part) => part.files)).size;
    expect((await readdir(join(folder, 'cache/files'))).length).toBeLessThanOrEqual(distinct);
    for (const part of parts) await openCache().find(part.digest);
    expect(fetched).toHaveLength(parts.length);
  });

  it('are fetched once by the processes that share a folder, though all want them at once', async () => {
    const parts = partsOf(set);
    for (const part of parts) await store(part);
    const asked: string[] = [];
    const { store: inner } = harness();
    const counting = {
      getDocument: inner.getDocument.bind(inner),
      getArtifactFile: async (digest: Digest, path: string): Promise<void> => {
        asked.push(digest);
        await delay(50);
        await inner.getArtifactFile(digest, path);
      },
    };
    // Nothing but the folder is common to them.
    const caches = [1, 2, 3].map(
      () => new ModelCache({ folder: join(folder, 'cache'), store: counting, bytesMax: GENEROUS }),
    );
    for (const part of parts) {
      const found = await Promise.all(caches.map((cache) => cache.find(part.digest)));
      for (const one of found) expect(essence(one!)).toEqual(essence(part));
    }
    expect(asked.length).toBeGreaterThan(0);
    expect(asked).toEqual([...new Set(asked)]);
  });

  it('are asked for again where the store had none before', async () => {
    const { unet } = set.image;
    const cache = openCache();
    expect(await cache.find(unet.digest)).toBeUndefined();
    expect(await isPartStored(harness().store, unet.digest)).toBe(false);
    await store(unet);
    expect(await isPartStored(harness().store, unet.digest)).toBe(true);
    expect((await cache.find(unet.digest))?.digest).toBe(unet.digest);
  });

  it('are fetched again where the cache is damaged', async () => {
    const { unet } = set.image;
    await store(unet);
    const found = (await openCache().find(unet.digest))!;
    const bytes = await readFile(found.graph!);
    await rm(found.graph!);
    await writeFile(found.graph!, flipBit(-1)(bytes));
    await openCache().find(unet.digest);
    expect(fetched).toHaveLength(2);
    expect(await readFile(found.graph!)).toEqual(bytes);
  });

  it('are refused where the store has them damaged or not at all', async () => {
    const { unet } = set.image;
    await store(unet);
    const [first, last] = [unet.files[0], unet.files.at(-1)].map((path) =>
      relative(set.folder, path!),
    );
    const listing = await readPartListing(harness().store, unet.digest);
    const nameOf = (file?: string): string =>
      listing!.files.find(({ name }) => name === file)!.digest;
    await harness().rewrite({ area: 'artifacts', name: nameOf(first) }, flipBit(0));
    const damaged = await failureOf(openCache().find(unet.digest), 'failed-precondition');
    expect(damaged.message).toContain('the store has not all files of model part image/unet');
    await store(unet);
    await harness().rewrite({ area: 'artifacts', name: nameOf(last) }, remove);
    await failureOf(openCache().find(unet.digest), 'failed-precondition');
    await store(unet);
    expect((await openCache().find(unet.digest))?.digest).toBe(unet.digest);
    expect(await readdir(join(folder, 'cache/tmp'))).toEqual([]);
  });

  it('are not what a document says of another part, or of files elsewhere', async () => {
    const { unet, vaeDecoder } = set.image;
    await store(unet);
    const bytes = await harness().store.getDocument({ kind: 'model', id: unet.digest });
    await harness().store.putDocument({ kind: 'model', id: vaeDecoder.digest }, bytes!);
    await failureOf(openCache().find(vaeDecoder.digest), 'failed-precondition');
    for (const name of ['../evil', '/evil', 'a/../../evil', 'a//b', '.']) {
      const files = [{ name, digest: digestText('x'), bytes: 1 }];
      const part = digestOfPart(files);
      const listing = { version: 1, kind: 'scheduler', name: 'evil', config: 'evil', files };
      const document = Buffer.from(canonicalJson(listing as never));
      await harness().store.putDocument({ kind: 'model', id: part }, document);
      await failureOf(openCache().find(part), 'failed-precondition');
    }
  });

  it('are safe with several at one cache', async () => {
    const parts = partsOf(set);
    for (const part of parts) await store(part);
    const caches = Array.from({ length: 3 }, () => openCache());
    const found = await Promise.all(
      caches.flatMap((cache) => parts.map((part) => cache.find(part.digest))),
    );
    for (const [i, part] of found.entries()) {
      expect(essence(part!)).toEqual(essence(parts[i % parts.length]!));
    }
    expect(await readdir(join(folder, 'cache/tmp'))).toEqual([]);
  });

  it('stay within a bound: what was unused longest goes', async () => {
    const { textEncoder, vaeEncoder, unet } = set.image;
    for (const part of [textEncoder, vaeEncoder, unet]) await store(part);
    const bytesMax = textEncoder.bytes + vaeEncoder.bytes + unet.bytes - 1;
    const cache = openCache({ bytesMax, idleMs: 0 });
    await cache.find(textEncoder.digest);
    await cache.find(vaeEncoder.digest);
    await delay(20);
    await cache.find(textEncoder.digest);
    await delay(20);
    await cache.find(unet.digest);
    const left = await readdir(join(folder, 'cache/parts'));
    expect(left.sort()).toEqual([textEncoder.digest, unet.digest].sort());
    expect(await bytesBelow(join(folder, 'cache/files'))).toBe(textEncoder.bytes + unet.bytes);
    expect((await cache.find(vaeEncoder.digest))?.digest).toBe(vaeEncoder.digest);
  });

  it('may pass the bound rather than take what is in use', async () => {
    const { textEncoder, vaeEncoder } = set.image;
    for (const part of [textEncoder, vaeEncoder]) await store(part);
    const cache = openCache({ bytesMax: 1 });
    await cache.find(textEncoder.digest);
    await cache.find(vaeEncoder.digest);
    expect(await readdir(join(folder, 'cache/parts'))).toHaveLength(2);
  });
});
