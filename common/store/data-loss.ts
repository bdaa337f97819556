// The two errors that make a task run again: its artifact is missing, or is not what its name says.

import { BivdiffError } from '../errors.ts';
import type { Digest } from '../task.ts';

export function missingArtifact(digest: Digest, store: string): BivdiffError {
  return new BivdiffError('data-loss', `artifact ${digest} is not in the store ${store}`, {
    hint: 'Render again: the task that made it runs again.',
    details: { digest },
  });
}

export function damagedArtifact(digest: Digest, store: string): BivdiffError {
  return new BivdiffError(
    'data-loss',
    `artifact ${digest} in the store ${store} is damaged: its bytes are not those it was named for`,
    {
      hint: 'Render again: the damaged file was moved to the quarantine, and the task that made it runs again.',
      details: { digest },
    },
  );
}
