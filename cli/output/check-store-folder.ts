// Whether a store can be where it shall be, before anything is made there.

import { refuseFileInTheWay } from '../../common/store/file/index.ts';
import { isFolder } from '../../common/store/open-store.ts';
import { checkFolder } from './place-outputs.ts';

/** Of a store that is not a folder nothing is known yet. @throws invalid-argument — a file is in the way @throws as `checkFolder` */
export async function checkStoreFolder(place: string): Promise<void> {
  if (!isFolder(place)) return;
  await refuseFileInTheWay(place);
  await checkFolder(place);
}
