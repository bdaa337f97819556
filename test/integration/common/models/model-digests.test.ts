// The digests of a model set's files: what is hashed again, and what is remembered. The set is
// test/support/models/tiny-set, copied for each test.

import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { inspectModelSet, openModelSet } from '../../../../common/models/model-folder.ts';
import { TINY_SET } from '../../../support/models/paths.ts';

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bivdiff-models-'));
  folder = join(root, 'set');
  await cp(TINY_SET, folder, { recursive: true });
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function digestsOf(): Promise<Record<string, string>> {
  const { parts } = await inspectModelSet(folder, { cacheFolder: join(root, 'cache') });
  return Object.fromEntries(parts.map(({ name, digest }) => [name, digest]));
}

function inSet(...names: string[]): string {
  return join(folder, ...names);
}

describe('the digests of files', () => {
  const weights = 'image/unet/diffusion_pytorch_model.safetensors';

  it('are remembered: an unchanged file is not read again', async () => {
    await settle();
    const before = await digestsOf();
    const memory = join(root, 'cache', 'file-digests.json');
    const text = await readFile(memory, 'utf8');
    const known = JSON.parse(text) as { files: Record<string, { digest: string }> };
    expect(known.files[inSet(weights)]?.digest).toBe(sha256(await readFile(inSet(weights))));
    // A mark that only a reader of the memory can see.
    known.files[inSet(weights)]!.digest = 'f'.repeat(64);
    await writeFile(memory, JSON.stringify(known));
    const after = await digestsOf();
    expect(after['image/unet']).not.toBe(before['image/unet']);
    const fresh = await inspectModelSet(folder, { cacheFolder: false });
    expect(fresh.set?.image.unet.digest).toBe(before['image/unet']);
  });

  it('are read again when a file of the same size was changed', async () => {
    await settle();
    const before = await digestsOf();
    const bytes = await readFile(inSet(weights));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(inSet(weights), bytes);
    await settle();
    expect((await digestsOf())['image/unet']).not.toBe(before['image/unet']);
  });

  it('of files that were changed a moment ago are not remembered', async () => {
    await writeFile(inSet(weights), await readFile(inSet(weights)));
    await digestsOf();
    const memory = await readFile(join(root, 'cache', 'file-digests.json'), 'utf8').catch(() => '');
    expect(memory).not.toContain(weights);
  });

  it('survive a damaged memory, and a place where none can be written', async () => {
    await settle();
    const before = await digestsOf();
    await writeFile(join(root, 'cache', 'file-digests.json'), '{"version": 1, "files": {"a"');
    expect(await digestsOf()).toEqual(before);
    await writeFile(join(root, 'a-file'), '');
    const { set } = await inspectModelSet(folder, { cacheFolder: join(root, 'a-file') });
    expect(set?.image.unet.digest).toBe(before['image/unet']);
  });

  it('stop being made when the signal aborts', async () => {
    const options = { cacheFolder: false, signal: AbortSignal.abort() } as const;
    await expect(openModelSet(folder, options)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

/** Sets the times of the files back, as if the set had lain there for a while. */
async function settle(): Promise<void> {
  const { parts } = await inspectModelSet(folder, { cacheFolder: false });
  const past = new Date(Date.now() - 60_000);
  for (const path of parts.flatMap(({ files }) => files)) await utimes(path, past, past);
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
