// A worker's store: a place that it shares with the others, or its coordinator's.

import { BivdiffError } from '../../common/errors.ts';
import { openStore } from '../../common/store/open-store.ts';
import type { Store } from '../../common/store/ports.ts';
import { openRemoteStore } from '../../common/store/remote/index.ts';
import { isRemoteStore } from '../run-options.ts';

/** `place`: a folder, a place on S3, or `grpc://HOST:PORT`. @throws invalid-argument — malformed; unavailable — no coordinator there */
export async function openWorkerStore(place: string, signal: AbortSignal): Promise<Store> {
  if (!isRemoteStore(place)) return openStore(place);
  const address = /^grpc:\/\/((?:\[[0-9a-f:]+\]|[^:/[\]]+):\d+)\/?$/i.exec(place)?.[1];
  if (address === undefined) {
    throw new BivdiffError(
      'invalid-argument',
      `--store: expected grpc://HOST:PORT, got "${place}"`,
    );
  }
  return openRemoteStore(address, { signal });
}
