// A worker's store: a place that it shares with the others, or its coordinator's.

import { openChannel } from '../../common/rpc/channel.ts';
import type { ChannelSettings } from '../../common/rpc/channel.ts';
import { openStore } from '../../common/store/open-store.ts';
import type { Store } from '../../common/store/ports.ts';
import { openRemoteStore } from '../../common/store/remote/index.ts';
import { isRemoteStore } from '../flags/store-flag.ts';

/**
 * `place`: a folder, a place on S3, `grpc://HOST:PORT`, or `grpcs://HOST:PORT`.
 * @throws invalid-argument — malformed; unavailable — no coordinator there; unauthenticated, permission-denied — its token
 */
export async function openWorkerStore(
  place: string,
  options: {
    readonly access: Omit<ChannelSettings, 'server' | 'origin'>;
    readonly signal: AbortSignal;
  },
): Promise<Store> {
  if (!isRemoteStore(place)) return openStore(place);
  const channel = await openChannel({ ...options.access, server: place, origin: '--store' });
  return openRemoteStore(channel.address, { ...channel, signal: options.signal });
}
