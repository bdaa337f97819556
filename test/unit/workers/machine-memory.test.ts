// Goal: a container's limit counts, not the memory of the machine that it is on.

import { totalmem } from 'node:os';

import { describe, expect, it } from 'vitest';

import { machineMemory, smallerLimit } from '../../../workers/machine-memory.ts';

const GIB = 2 ** 30;

describe('memory for this process', () => {
  it.each([
    ['a container of 4 GiB', 4 * GIB, 4 * GIB],
    ['a container that may have more than there is', 64 * GIB, 16 * GIB],
    ['no container, as version 2 of control groups says it', 2 ** 64, 16 * GIB],
    ['no container, as version 1 says it', 0, 16 * GIB],
    ['a system that knows of no containers', undefined, 16 * GIB],
  ])('in %s', (_, limit, expected) => {
    expect(smallerLimit(limit, 16 * GIB)).toBe(expected);
  });

  it('is never more than the machine has', () => {
    expect(machineMemory()).toBeGreaterThan(0);
    expect(machineMemory()).toBeLessThanOrEqual(totalmem());
  });
});
