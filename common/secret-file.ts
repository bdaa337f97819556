// Files that hold secrets: read only if others cannot read them too. What is in them never goes into an error.

import { open } from 'node:fs/promises';

import { BivdiffError } from './errors.ts';
import { decodeText } from './files/text-file.ts';

/** Tokens, passwords and keys are short. */
const SECRET_BYTES_MAX = 4 << 20;
const GROUP = 0o070;
const OTHERS = 0o007;

export interface SecretFileOptions {
  /** The flag or variable that named it, for errors. */
  readonly origin: string;
  /** Also where the file is this program's own, and could be closed. @default false */
  readonly mayGroupRead?: boolean;
}

/**
 * The text of a file that only its owner may read; or a group, where the file is of another owner: what an orchestrator mounts can be read by its
 * group alone.
 * @throws permission-denied — others may read or change it
 * @throws invalid-argument — it is no UTF-8
 * @throws not-found
 */
export async function readSecretFile(path: string, options: SecretFileOptions): Promise<string> {
  const bytes = await readSecretBytes(path, options);
  return decodeText(bytes, `${options.origin}: ${path}`, { isSecret: true });
}

/** The bytes of such a file. @throws permission-denied, not-found */
export async function readSecretBytes(path: string, options: SecretFileOptions): Promise<Buffer> {
  const { origin, mayGroupRead = false } = options;
  const file = await open(path, 'r').catch((reason: unknown) => {
    throw BivdiffError.from(reason, `${origin}: reading ${path}`);
  });
  try {
    // Of the open file: what lies under the name may be another one by now.
    const { mode, size, uid } = await file.stat();
    const forbidden = OTHERS | (mayGroupRead || isMounted(uid) ? 0o020 : GROUP);
    if (process.platform !== 'win32' && (mode & forbidden) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw new BivdiffError(
        'permission-denied',
        `${origin}: ${path} holds secrets and is open to others (mode ${shown})`,
        { hint: `Close it to others: chmod 600 ${path}` },
      );
    }
    if (size > SECRET_BYTES_MAX) {
      throw new BivdiffError('invalid-argument', `${origin}: ${path} is too large`);
    }
    return await file.readFile();
  } catch (reason) {
    throw BivdiffError.from(reason, `${origin}: reading ${path}`);
  } finally {
    await file.close();
  }
}

/** Of another owner, whom this program is not above. */
function isMounted(owner: number): boolean {
  const user = process.geteuid?.();
  return user !== undefined && user !== 0 && user !== owner;
}
