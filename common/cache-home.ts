// Where programs keep what they can make or fetch again.

import { homedir } from 'node:os';
import { join } from 'node:path';

/** `bivdiff` in XDG_CACHE_HOME, or in ~/.cache. */
export function cacheHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  // The XDG rule: a relative path there is to be ignored.
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.cache'), 'bivdiff');
}
