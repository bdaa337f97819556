// Digests and chunks of real files.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { digestBytes, digestFile } from '../../../common/digest.ts';
import { BivdiffError } from '../../../common/errors.ts';
import { readChunks } from '../../../common/read-chunks.ts';
import { bytesOf } from '../../support/conformance/seed.ts';
import { failureOf } from '../../support/conformance/store/use-store.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-digest-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('digestFile', () => {
  it.each([0, 1, (1 << 20) - 1, 1 << 20, (5 << 20) + 17])(
    'is that of its %i bytes',
    async (length) => {
      const bytes = bytesOf('file', length);
      await writeFile(join(folder, 'file'), bytes);
      expect(await digestFile(join(folder, 'file'))).toBe(digestBytes(bytes));
    },
  );

  it('names what cannot be read', async () => {
    const absent = join(folder, 'absent');
    expect((await failureOf(digestFile(absent), 'not-found')).message).toContain(absent);
    expect((await failureOf(digestFile(folder), 'invalid-argument')).message).toContain(folder);
  });

  it('stops between two chunks when the signal aborts', async () => {
    const path = join(folder, 'file');
    await writeFile(path, bytesOf('file', 5 << 20));
    const stop = new AbortController();
    let chunks = 0;
    const reading = (async () => {
      for await (const chunk of readChunks(path, { signal: stop.signal })) {
        chunks += Math.sign(chunk.byteLength);
        if (chunks === 2) stop.abort(new BivdiffError('cancelled', 'the user stopped it'));
      }
    })();
    expect((await failureOf(reading, 'cancelled')).message).toBe('the user stopped it');
    expect(chunks).toBe(2);
    await failureOf(digestFile(path, { signal: AbortSignal.abort() }), 'cancelled');
  });
});
