// Moves damaged objects aside. S3 cannot rename: it is a copy and a removal, each only of the object that was read.

import { digestBytes } from '../../digest.ts';
import type { Bucket, ObjectFacts } from './bucket.ts';

export interface DamagedObject {
  readonly key: string;
  /** What the quarantine calls it. */
  readonly label: string;
  readonly facts: ObjectFacts;
  /** The SHA-256 of its bytes: tells them from others that were moved aside under the same label. */
  readonly content: string;
}

/**
 * True if it is aside now; false if it is gone or another lies there by now.
 *
 * All who find the same object move it to the same name. Bytes that rotted under an etag that was right are told from
 * good ones by nothing: who puts good ones between our look and our removal may see them go. Then they are absent, and
 * the task runs again.
 */
export async function moveAside(bucket: Bucket, damaged: DamagedObject): Promise<boolean> {
  const { key, label, facts, content } = damaged;
  const ifMatch = { ifMatch: facts.etag };
  const unique = digestBytes(Buffer.from(`${content} ${facts.put}`)).slice(0, 16);
  const copied = await bucket.copy(key, `quarantine/${label}.${unique}`, ifMatch);
  // Where there is no room for it, it goes: that it is absent matters more than that it can be looked at.
  if (copied === 'gone' || copied === 'changed') return false;
  return bucket.delete(key, ifMatch);
}
