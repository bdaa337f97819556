// Sends at the pace of the reader: of each call so many bytes wait at most. (The library counts messages, of any size.)

import type { ServerWritableStream } from '@grpc/grpc-js';

/** Of one call, besides one message. */
export const UNSENT_BYTES_MAX = 512 << 10;

interface Unsent {
  bytes: number;
  onSent: () => void;
}

const unsentOf = new WeakMap<object, Unsent>();

/** `bytes`: about what the message takes. Resolves when there is room for more. False if the reader has gone. */
export async function sendMessage<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  message: Response,
  bytes: number,
): Promise<boolean> {
  if (call.cancelled) return false;
  const unsent = unsentOf.get(call) ?? { bytes: 0, onSent: () => undefined };
  unsentOf.set(call, unsent);
  unsent.bytes += bytes;
  call.write(message, () => {
    unsent.bytes -= bytes;
    unsent.onSent();
  });
  if (unsent.bytes > UNSENT_BYTES_MAX) await untilSent(call, unsent);
  return !call.cancelled;
}

/** Until there is room again, or the reader has gone. */
async function untilSent<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  unsent: Unsent,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      call.off('cancelled', end);
      unsent.onSent = () => undefined;
      resolve();
    };
    unsent.onSent = () => {
      if (unsent.bytes <= UNSENT_BYTES_MAX) end();
    };
    call.once('cancelled', end);
  });
}
