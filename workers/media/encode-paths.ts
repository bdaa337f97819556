// Where a video lies while it is being written: beside its target, so that finishing it is a rename.

import { createHash } from 'node:crypto';
import path from 'node:path';

interface Target {
  readonly path: string;
}

/**
 * The file that becomes the target. Its name is short whatever the target's is, since a name may be as long as the file system takes; and
 * the same for whoever asks, so that the parent can remove what a child that was killed has left.
 */
export function partialPath({ path: target }: Target): string {
  const digest = createHash('sha256').update(path.basename(target)).digest('hex');
  return path.join(path.dirname(target), `.bivdiff-${digest.slice(0, 16)}.partial`);
}
