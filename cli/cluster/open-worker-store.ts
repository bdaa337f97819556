// A worker's store: a folder that it shares with the others, or its coordinator's.

import { openChannel } from '../../common/rpc/channel.ts';
import type { ChannelSettings } from '../../common/rpc/channel.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { Store } from '../../common/store/ports.ts';
import { openRemoteStore } from '../../common/store/remote/index.ts';
import { isRemoteStore } from '../run-options.ts';

/**
 * `place`: a folder, or `grpc://HOST:PORT`, or `grpcs://HOST:PORT`.
 * @throws invalid-argument — malformed; unavailable — no coordinator there; unauthenticated, permission-denied — its token
 */
export async function openWorkerStore(
  place: string,
  options: {
    readonly access: Omit<ChannelSettings, 'server' | 'origin'>;
    readonly signal: AbortSignal;
  },
): Promise<Store> {
  if (!isRemoteStore(place)) return openFileStore(place);
  const channel = await openChannel({ ...options.access, server: place, origin: '--store' });
  return openRemoteStore(channel.address, { ...channel, signal: options.signal });
}
