import { describe, expect, it } from 'vitest';

import { moreMemoryText } from '../../../../cli/local/more-memory.ts';
import { digestText } from '../../../../common/digest.ts';

const GIB = 2 ** 30;
const need = {
  bytes: 15 * GIB,
  graph: {
    ...({ stage: 'generate', part: digestText('unet'), name: 'image/unet' } as const),
    ...{ memory: { loaded: 14 * GIB, loading: 25 * GIB, run: GIB }, leastRun: GIB },
  },
} as const;

describe('what would give a render more memory', () => {
  it.each([
    ['the flag, where loading fits too', 1, 26, '--memory-gib 15'],
    [
      'a larger machine, where what is loaded fits and loading does not',
      1,
      24,
      'a machine with more memory (25.0 GiB while image/unet is loaded)',
    ],
    ['one where the other slots hold theirs meanwhile', 2, 41, '--memory-gib 30'],
    [
      'a larger one for two slots',
      2,
      39,
      'a machine with more memory (40.0 GiB while image/unet is loaded)',
    ],
    ['a larger one, where not even what is loaded fits', 1, 14, 'a machine with more memory'],
  ])('is %s', (_, slots, machineGib, text) => {
    expect(moreMemoryText(need, { slots, machineBytes: machineGib * GIB })).toBe(text);
  });
});
