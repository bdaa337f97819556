// When an object was last used. S3 has no way to touch an object but to copy it onto itself, which moves all its bytes,
// ends at 5 GB, and leaves no trace that somebody who is about to delete it could see. So a reuse puts an empty object
// of the same name under used/, and the younger of the two says the age.
//
// Who reuses marks first and looks for the object afterwards; who deletes, deletes first and looks for the mark
// afterwards, and puts the object back if there is a new one (contents.ts). So one of the two sees the other.

import type { Bucket } from './bucket.ts';
import { isFull } from './s3-failure.ts';

/** An age younger than this is not refreshed again, so that surveys write little. */
const REFRESH_AFTER_MS = 60_000;
const NOTHING = new Uint8Array(0);

export function markKey(key: string): string {
  return `used/${key}`;
}

export function isJustUsed(changedMs: number): boolean {
  return Date.now() - changedMs < REFRESH_AFTER_MS;
}

/** Marks an object as used now, unless that was done a moment ago. Look afterwards whether the object is there. */
export async function markUsed(bucket: Bucket, key: string): Promise<void> {
  const mark = await bucket.head(markKey(key));
  if (mark !== undefined && isJustUsed(mark.changedMs)) return;
  try {
    await bucket.put(markKey(key), NOTHING);
  } catch (reason) {
    // A full store can still be read; what is used now may then go with the next collection.
    if (!isFull(reason)) throw reason;
  }
}
