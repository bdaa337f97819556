// The memory of a farm on this machine: what is named as fitting does fit. On the tiny model set.

import { describe, expect, it } from 'vitest';

import { checkUpMemory } from '../../../../cli/programs/preflight/up-memory.ts';
import { needsOfModels } from '../../../../cli/programs/preflight/model-needs.ts';
import { TINY_SET } from '../../../support/models/paths.ts';

const [needs] = await needsOfModels(TINY_SET);
const largest = Math.max(...Object.values(needs!.pools).map(({ bytes }) => bytes));

describe('the memory of up', () => {
  it('is enough where each slot can load the largest graph', async () => {
    const memoryBytes = 6 * largest;
    await checkUpMemory(TINY_SET, { workers: 2, slots: 3, memoryBytes });
    const missing = checkUpMemory(TINY_SET, { workers: 2, slots: 3, memoryBytes: memoryBytes - 6 });
    await expect(missing).rejects.toMatchObject({
      code: 'resource-exhausted',
      details: { bytes: largest, limit: largest - 1, missing: 1 },
    });
  });

  it.each([
    [{ workers: 2, slots: 3 }, 4, /--slots 2, or --workers 1, or --memory-gib/],
    [{ workers: 2, slots: 3 }, 2, /--slots 1, or --memory-gib/],
    [{ workers: 2, slots: 2 }, 1, /--workers 1 --slots 1, or --memory-gib/],
    [{ workers: 2, slots: 1 }, 0, /^It would fit with --memory-gib \S+\.$/],
  ])('of %o has room for %i: fits otherwise', async (shares, room, hint) => {
    const asked = checkUpMemory(TINY_SET, { ...shares, memoryBytes: (room + 0.5) * largest });
    await expect(asked).rejects.toMatchObject({ hint: expect.stringMatching(hint) as string });
  });

  it('is not looked at where no models can be read', async () => {
    await checkUpMemory('/nowhere', { workers: 1, slots: 1, memoryBytes: 1 });
  });
});
