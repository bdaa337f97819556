// Goal: who is told that a job is accepted can rely on its source being on the disk. Method: a real gRPC server; the calls of the store in
// their order. That the file store's sync reaches the disk is the kernel's word.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { GuardedFarm, submission } from '../../../support/farm/guarded-farm.ts';

let farm: GuardedFarm;
beforeEach(async () => {
  farm = await GuardedFarm.start();
});
afterEach(async () => farm.close());

it('syncs a source before the job is written down, and answers after both', async () => {
  const client = await farm.client();
  const source = await client.putArtifact(Buffer.from('a clip'));
  const synced = vi.spyOn(farm.store, 'syncArtifact');
  const put = vi.spyOn(farm.store, 'putDocument');
  await client.submit(submission(source));
  expect(synced.mock.calls).toEqual([[source]]);
  const jobEntry = put.mock.calls.findIndex(([{ kind }]) => kind === 'job-event');
  expect(synced.mock.invocationCallOrder[0]).toBeLessThan(put.mock.invocationCallOrder[jobEntry]!);
});
