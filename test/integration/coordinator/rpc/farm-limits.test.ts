// Goal: what is too much is refused before it costs anything, in one error that names the limit. Method: a real server with small
// limits, real clients.

import { afterEach, describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import {
  GuardedFarm,
  NOWHERE,
  putDoneJob,
  submission,
} from '../../../support/farm/guarded-farm.ts';

const BEARERS = {
  alice: { owner: 'alice', roles: ['submit'] },
  bob: { owner: 'bob', roles: ['submit'] },
} as const;

let farm: GuardedFarm | undefined;
afterEach(async () => {
  await farm?.close();
  farm = undefined;
});

describe('limits of a farm', () => {
  it('are told all at once of a spec, before its source is looked at', async () => {
    const limits = { specBytes: 300, frames: 10, pixels: 50_000, promptCharacters: 20 };
    farm = await GuardedFarm.start({ limits });
    const client = await farm.client();
    const words = 'far too many words '.repeat(20);
    const changes = { frames: 11, prompt: words, negativePrompt: words };
    const error = await failureOf(
      client.submit(submission(NOWHERE, changes)),
      'resource-exhausted',
    );
    expect(error.retry).toBe('never');
    expect(error.details['problems']).toEqual([
      expect.stringMatching(/^the spec: bytes: \d+, and this farm takes 300 at most$/),
      'frames: 11, and this farm takes 10 at most',
      'size: pixels of all frames: 180224, and this farm takes 50000 at most',
      'prompt: characters: 380, and this farm takes 20 at most',
      'negativePrompt: characters: 380, and this farm takes 20 at most',
    ]);
  });

  it('hold for the size of the models where the spec names none', async () => {
    farm = await GuardedFarm.start({ limits: { pixels: 128 * 128 * 8 - 1 } });
    const client = await farm.client();
    const request = submission(await client.putArtifact(Buffer.from('clip')), { size: undefined });
    const error = await failureOf(client.submit(request), 'resource-exhausted');
    expect(error.message).toContain('131072, and this farm takes 131071 at most');
    expect(await client.list()).toEqual([]);
  });

  it.each([
    ['small ones', 1_000, 1_001],
    ['those that need a file', 3 << 20, (3 << 20) + 1],
  ])('hold for uploads: %s', async (_, uploadBytes, bytes) => {
    farm = await GuardedFarm.start({ limits: { uploadBytes } });
    const client = await farm.client();
    const tooLarge = Buffer.alloc(bytes, 1);
    const error = await failureOf(client.putArtifact(tooLarge), 'resource-exhausted');
    expect(error.message).toBe(`an upload may have ${uploadBytes} bytes at most`);
    expect(await farm.store.hasArtifact(digestBytes(tooLarge))).toBe(false);
    await client.putArtifact(Buffer.alloc(uploadBytes, 1));
  });

  it('hold for the watches of one owner, until some of them end', async () => {
    farm = await GuardedFarm.start({ bearers: BEARERS, limits: { watches: 2 } });
    const [alice, bob] = [await farm.client('alice'), await farm.client('bob')];
    const submit = async (client: typeof alice) => {
      const source = await client.putArtifact(Buffer.from('a clip'));
      return (await client.submit(submission(source))).id;
    };
    const id = await submit(alice);
    await submit(bob);
    const watches = [alice.watch(id), alice.watch(id)];
    for (const watch of watches) expect((await watch.next()).done).toBe(false);
    await failureOf(alice.watch(id).next(), 'resource-exhausted');
    const others = bob.watch(id);
    expect((await others.next()).done).toBe(false);
    await watches[0]!.return();
    await expect
      .poll(
        async () => {
          const again = alice.watch(id);
          const isThere = await again.next().then(
            ({ done }) => done === false,
            () => false,
          );
          await again.return();
          return isThere;
        },
        { timeout: 5_000 },
      )
      .toBe(true);
    await watches[1]!.return();
    await others.return();
  });

  it('count a watch that is over no more', async () => {
    let id = '';
    farm = await GuardedFarm.start({
      limits: { watches: 1 },
      prepare: async (store) => {
        ({ id } = await putDoneJob(store, { owner: 'alice', seed: 5 }));
      },
    });
    const client = await farm.client();
    for (let i = 0; i < 3; i += 1) {
      const seen: string[] = [];
      for await (const job of client.watch(id)) seen.push(job.state);
      expect(seen).toEqual(['done']);
    }
  });
});
