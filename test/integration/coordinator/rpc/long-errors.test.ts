// Goal: an error about something very long reaches the client as what it is, and harms no other call of the connection. Method: a
// real server and a real client; names of many thousand characters.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FarmClient } from '../../../../cli/farm/farm-client.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { GuardedFarm, submission } from '../../../support/farm/guarded-farm.ts';

const BEARERS = { alice: { owner: 'alice', roles: ['submit'] } } as const;

describe('an error about something very long', () => {
  let farm: GuardedFarm;
  let client: FarmClient;
  beforeEach(async () => {
    farm = await GuardedFarm.start({ bearers: BEARERS });
    client = await farm.client('alice');
  });
  afterEach(() => farm.close());

  it.each([
    ['plain', 'x'],
    ['outside ASCII', 'ä'],
    ['of four bytes each', '🎞'],
    ['that JSON writes as six', '\u0001'],
    ['that are halves', '\ud83c'],
  ])('arrives with its code and leaves other streams alone: characters %s', async (_, letter) => {
    const source = await client.putArtifact(Buffer.from('a clip'));
    const { id } = await client.submit(submission(source));
    const watch = client.watch(id);
    expect((await watch.next()).done).toBe(false);
    for (const length of [10, 2_000, 10_000, 100_000]) {
      const error = await failureOf(client.get(letter.repeat(length)), 'not-found');
      expect(error.hint).toBe('bivdiff list shows the jobs.');
      expect(error.message).toMatch(/^no job /);
      expect(error.message.length).toBeLessThanOrEqual(4_000);
    }
    const next = watch.next();
    await client.setPriority(id, 7);
    expect((await next).value).toMatchObject({ id, priority: 7 });
    await watch.return();
  });

  it('keeps the beginning of what was said, and says that it goes on', async () => {
    const error = await failureOf(client.get('ü'.repeat(50_000)), 'not-found');
    expect(error.message).toMatch(/^no job ü{100,} \.\.\.$/);
  });
});
