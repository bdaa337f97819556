// Where everything lies in a store directory, and the few moves that are atomic there: put under a name that is free,
// take away what is under a name. Knows nothing of what the files hold, nor whether the directory is fit to be a store.
//
//   format.json  artifacts/ab/abcd…  records/ab/abcd….json  documents/<kind>/<id>@doc  quarantine/  tmp/

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Digest, TaskId } from '../../task.ts';
import { checkDigest, checkDocumentName, checkTaskId } from '../names.ts';
import type { DocumentKind, DocumentName } from '../ports.ts';
import { linkIfAbsent, renameIfThere, unlinkIfThere } from './file-operations.ts';
import { textOfIdentity } from '../../files/process-identity.ts';
import type { ProcessIdentity } from '../../files/process-identity.ts';

/** Cannot occur in an id, so a document `a` never collides with the folder of a document `a/b`. */
export const DOCUMENT_SUFFIX = '@doc';
export const RECORD_SUFFIX = '.json';

/**
 * - `moved`: it is aside now
 * - `kept`: what lay there turned out to be wanted, and lies there again
 * - `gone`: nothing was there; somebody else was faster
 */
export type TakeAwayOutcome = 'moved' | 'kept' | 'gone';

export class StoreFolder {
  readonly root: string;
  readonly #prefix: string;
  #counter = 0;

  constructor(root: string, identity: ProcessIdentity) {
    this.root = root;
    // The random part tells threads of one process apart.
    this.#prefix = `${textOfIdentity(identity)}.${randomBytes(4).toString('hex')}`;
  }

  get artifacts(): string {
    return join(this.root, 'artifacts');
  }
  get records(): string {
    return join(this.root, 'records');
  }
  get documents(): string {
    return join(this.root, 'documents');
  }
  get quarantine(): string {
    return join(this.root, 'quarantine');
  }
  get temporary(): string {
    return join(this.root, 'tmp');
  }

  artifactPath(digest: Digest): string {
    checkDigest(digest);
    return join(this.root, 'artifacts', digest.slice(0, 2), digest);
  }

  recordPath(taskId: TaskId): string {
    checkTaskId(taskId);
    return join(this.root, 'records', taskId.slice(0, 2), taskId + RECORD_SUFFIX);
  }

  documentPath(name: DocumentName): string {
    checkDocumentName(name);
    return join(this.documentFolder(name.kind), name.id + DOCUMENT_SUFFIX);
  }

  documentFolder(kind: DocumentKind): string {
    return join(this.root, 'documents', kind);
  }

  /** A name in tmp/ that no process has used. */
  temporaryPath(): string {
    return join(this.root, 'tmp', `${this.#prefix}.${(this.#counter++).toString(36)}`);
  }

  /**
   * Moves a damaged file to the quarantine, unless what lies there by then is sound: another process may have moved
   * the bad one aside and put a good one since we looked.
   */
  async moveAside(
    path: string,
    label: string,
    isDamaged: (path: string) => Promise<boolean>,
  ): Promise<TakeAwayOutcome> {
    const unique = `${this.#prefix}.${(this.#counter++).toString(36)}`;
    const aside = join(this.root, 'quarantine', `${label}.${unique}`);
    return takeAway(path, aside, isDamaged);
  }

  /** Removes a file, unless what lies there by then is wanted after all. */
  async remove(
    path: string,
    isUnwanted: (path: string) => Promise<boolean>,
  ): Promise<TakeAwayOutcome> {
    const aside = this.temporaryPath();
    const outcome = await takeAway(path, aside, isUnwanted);
    if (outcome === 'moved') await unlinkIfThere(aside);
    return outcome;
  }
}

/**
 * A look followed by a removal would race with who changes the file in between. So: move it away, look at what was
 * moved, and put it back if it is wanted.
 */
async function takeAway(
  path: string,
  aside: string,
  isUnwanted: (path: string) => Promise<boolean>,
): Promise<TakeAwayOutcome> {
  const isMoved =
    (await renameIfThere(path, aside)) ||
    // Or was it the folder to move to that is missing? Somebody may have cleared the quarantine away.
    ((await mkdir(dirname(aside), { recursive: true })) !== undefined &&
      (await renameIfThere(path, aside)));
  if (!isMoved) return 'gone';
  if (await isUnwanted(aside)) return 'moved';
  await linkIfAbsent(aside, path);
  await unlinkIfThere(aside);
  return 'kept';
}
