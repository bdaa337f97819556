// Ids and digests as bytes, and the checks that messages of all kinds share.

import { BivdiffError } from '../../../errors.ts';
import { STAGES } from '../../../task.ts';
import type { Digest, Stage, TaskId } from '../../../task.ts';

const ID_BYTES = 32;
const STAGE_NAMES: ReadonlySet<string> = new Set(STAGES);

/** What does not fit the schema of its subject. */
export function malformed(what: string): BivdiffError {
  return new BivdiffError('invalid-argument', what);
}

/** Of 64 hex digits. */
export function bytesOfId(id: TaskId | Digest): Buffer {
  return Buffer.from(id, 'hex');
}

/** @throws invalid-argument — not 32 bytes */
export function idOfBytes<T extends TaskId | Digest>(bytes: Uint8Array, what: string): T {
  if (bytes.length !== ID_BYTES) throw malformed(`${what} of ${bytes.length} bytes`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, ID_BYTES).toString('hex') as T;
}

/** @throws invalid-argument — this program knows no such stage */
export function stageOf(name: string): Stage {
  if (!STAGE_NAMES.has(name)) throw malformed(`a task of stage "${name.slice(0, 40)}"`);
  return name as Stage;
}
