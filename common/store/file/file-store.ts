// The store as a directory, on a local disk or a shared volume, for any number of processes at once. Puts the parts of
// this folder together; every error that leaves it names the store.

import { resolve } from 'node:path';

import { StoreOfParts } from '../store-of-parts.ts';
import { ArtifactFiles } from './artifact-files.ts';
import { DocumentFiles } from './document-files.ts';
import { refuseFileInTheWay } from './file-in-the-way.ts';
import { FileContents } from './file-contents.ts';
import { ownIdentity } from '../../files/process-identity.ts';
import { RecordFiles } from './record-files.ts';
import { storeFailure } from './store-failure.ts';
import { StoreFolder } from './store-folder.ts';
import { prepareFolder, removeStaleFiles } from './prepare-folder.ts';

/** Each needs at most two open files; processes may often have no more than 1024. */
const CALLS_AT_ONCE = 64;

/**
 * Opens the store in a directory, which is made if need be.
 * @throws invalid-argument — a file is in the way
 * @throws failed-precondition — it holds something else, is of a newer format, or lies where files cannot be named atomically
 * @throws permission-denied, resource-exhausted — it cannot be written to
 */
export async function openFileStore(path: string): Promise<StoreOfParts> {
  const root = resolve(path);
  try {
    await refuseFileInTheWay(root);
    const own = await ownIdentity();
    const folder = new StoreFolder(root, own);
    await prepareFolder(folder);
    await removeStaleFiles(folder, own);
    const artifacts = new ArtifactFiles(folder);
    const records = new RecordFiles(folder, artifacts);
    const documents = new DocumentFiles(folder);
    return new StoreOfParts({
      place: root,
      artifacts,
      records,
      documents,
      contents: new FileContents({ folder, artifacts, records, documents }),
      callsAtOnce: CALLS_AT_ONCE,
      failure: (reason, action) => storeFailure(reason, root, action),
    });
  } catch (reason) {
    throw await storeFailure(reason, root, { doing: 'opening it' });
  }
}
