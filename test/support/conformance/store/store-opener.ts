// A process without rights that opens a store: `store-opener.ts FOLDER`. Prints the failure as JSON, or `null`.

import { openFileStore } from '../../../../common/store/file/index.ts';
import { seenFailure } from '../seen-failure.ts';

const NOBODY = 65_534;

// Root may write anywhere. All modules are loaded by now, so nothing need be readable to nobody.
if (process.getuid?.() === 0) process.setuid?.(NOBODY);
const failure = await openFileStore(process.argv[2] ?? '').then(() => null, seenFailure);
process.stdout.write(`${JSON.stringify(failure)}\n`);
