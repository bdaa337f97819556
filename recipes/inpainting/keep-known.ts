// The settings by which known pixels are put back, of recipes that draw parts of frames.

import { z } from 'zod';

import type { SettingFlag } from '../spec/flag.ts';

// Absent unless given: a coordinator of an older version refuses what it does not know.
export const KEEP_KNOWN_FIELDS = {
  keepKnown: z.boolean().optional(),
  feather: z.int().min(0).max(64).optional(),
};

export const KEEP_KNOWN_FLAGS: readonly SettingFlag[] = [
  {
    name: 'keep-known',
    kind: 'switch',
    field: 'keepKnown',
    doc: 'Put known pixels of the source back after smoothing; without it they change a little, as in the paper',
    defaultText: 'no',
  },
  {
    name: 'feather',
    kind: 'number',
    value: 'N',
    field: 'feather',
    doc: 'Pixels around what is drawn anew over which it fades into the known pixels that are put back',
    defaultText: '4',
  },
];
