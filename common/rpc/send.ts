// Sends at the pace of the reader.

import { once } from 'node:events';

import type { ServerWritableStream } from '@grpc/grpc-js';

/** Resolves when there is room for more. False if the reader has gone. */
export async function sendMessage<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  message: Response,
): Promise<boolean> {
  if (call.cancelled) return false;
  if (!call.write(message)) {
    const gone = new AbortController();
    const leave = (): void => {
      gone.abort();
    };
    call.once('cancelled', leave);
    await once(call, 'drain', { signal: gone.signal }).catch(() => undefined);
    call.off('cancelled', leave);
  }
  return !call.cancelled;
}
