// Looking up flags: by name, or by the field of the spec that they set.

import { RENDER_FLAGS } from './flag-table.ts';
import type { Flag } from './flag-table.ts';

/** `negative-prompt` as `negativePrompt`: how commander and spec files spell it. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The flag of this name, in either spelling. */
export function findFlag(name: string): Flag | undefined {
  return RENDER_FLAGS.find((flag) => flag.name === name || camelCase(flag.name) === name);
}

/** The flag that sets this field of the spec, or names this file; a file that is asked for by name sets its field too. */
export function flagOfField(field: string): Flag | undefined {
  return RENDER_FLAGS.find(
    ({ name, kind, field: own }) =>
      own === field ||
      (kind === 'file' && (field === name || field === `output.${camelCase(name)}`)),
  );
}
