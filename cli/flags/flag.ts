// What is known of a flag of render, plan and sweep.

import type { SettingFlag } from '../../recipes/spec/flag.ts';

/** A flag of a setting, or of how and where a render runs. */
export type Flag = Omit<SettingFlag, 'field'> & {
  /** Absent for what is not part of a spec. */
  readonly field?: string;
  /** What it takes, of what is not part of a spec. */
  readonly words?: readonly string[];
  /** Its heading in help. */
  readonly group: string;
};

export type Ungrouped = Omit<Flag, 'group'>;
