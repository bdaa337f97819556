// Reading and writing media from the rest of the program: every call runs in a child process, so that a file
// made to harm its reader, or a codec's crash, costs one error and no worker.

import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { BivdiffError } from '../../common/errors.ts';
import { partialPath } from './encode-paths.ts';
import { MediaProcess } from './process/media-process.ts';
import { PICTURES_AHEAD } from './process/media-protocol.ts';
import type {
  DecodedFrame,
  DecodeRequest,
  EncodedFacts,
  EncodeRequest,
  VideoFacts,
} from './media-types.ts';

export interface MediaServiceOptions {
  /** Of each process's JavaScript heap, MiB. @default 512 */
  readonly heapMiB?: number;
  /** Of all memory that each process may address, MiB; on Linux. @default 12,288 and 256 for each processor */
  readonly addressMiB?: number;
  /** How long a process may say nothing while it is waited for. @default 120,000 */
  readonly silenceMs?: number;
}

interface ProbeOptions extends CallOptions {
  /** Whether to look at every picture of a folder, not only at the first. @default false */
  readonly survey?: boolean;
}

interface CallOptions {
  /** Kills the process that serves the call. */
  readonly signal?: AbortSignal;
}

/**
 * Two processes, each started (0.2 s) when first needed: one reads, one writes. Calls of one kind queue. All throw
 * `cancelled`, `deadline-exceeded` and, when the process dies, `invalid-argument` naming the file.
 */
export interface MediaService extends AsyncDisposable {
  /** Starts both processes now, side by side, for who will need both. */
  start(): void;
  /** Reads the whole file, decodes nothing. @throws not-found @throws invalid-argument */
  probe(path: string, options?: ProbeOptions): Promise<VideoFacts>;
  /** The frames asked for, in order; a few are decoded ahead. Leaving the loop early kills the process. */
  decode(request: DecodeRequest, options?: CallOptions): AsyncGenerator<DecodedFrame, void>;
  /** Takes the frames, `[height, width, 3]` each, as fast as they are encoded. */
  encode(
    request: EncodeRequest,
    frames: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<EncodedFacts>;
  /** Of the processes that run now. */
  readonly processIds: readonly number[];
  /** Kills both and waits until they are gone. A later call starts them again. */
  close(): Promise<void>;
}

export function createMediaService(options: MediaServiceOptions = {}): MediaService {
  const { heapMiB = 512, silenceMs = 120_000 } = options;
  // Of it 6 GiB are only reserved, by V8; and each thread of a codec reserves some of its own.
  const addressMiB = options.addressMiB ?? 12_288 + 256 * availableParallelism();
  const limits = { heapMiB, addressMiB, silenceMs };
  const reader = new MediaProcess(limits);
  const writer = new MediaProcess(limits);
  const close = async () => {
    await Promise.all([reader.close(), writer.close()]);
  };
  return {
    start: () => {
      reader.start();
      writer.start();
    },
    probe: (path, options) => probe(reader, path, options),
    decode: (request, { signal } = {}) => decode(reader, request, signal),
    encode: (request, frames, { signal } = {}) =>
      encode({ writer, request, frames, ...(signal === undefined ? {} : { signal }) }).catch(
        async (reason: unknown) => {
          // A killed process cannot clean up. What is there already belongs to somebody else.
          if (BivdiffError.from(reason).code !== 'already-exists') await removeUnfinished(request);
          throw reason;
        },
      ),
    get processIds() {
      return [reader.processId, writer.processId].filter((id) => id !== undefined);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function probe(
  reader: MediaProcess,
  path: string,
  { survey = false, signal }: ProbeOptions = {},
): Promise<VideoFacts> {
  using exchange = await reader.open({ kind: 'probe', path, survey }, signal);
  for (;;) {
    const message = await exchange.next();
    if (message.kind === 'done') return message.result as VideoFacts;
  }
}

async function* decode(
  reader: MediaProcess,
  request: DecodeRequest,
  signal?: AbortSignal,
): AsyncGenerator<DecodedFrame, void> {
  using exchange = await reader.open({ kind: 'decode', request }, signal);
  for (;;) {
    const message = await exchange.next();
    if (message.kind === 'done') return;
    if (message.kind !== 'picture') continue;
    const { index, rgb, channels } = message;
    yield { index, rgb, channels };
    exchange.send({ kind: 'more' });
  }
}

async function encode(call: {
  readonly writer: MediaProcess;
  readonly request: EncodeRequest;
  readonly frames: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly signal?: AbortSignal;
}): Promise<EncodedFacts> {
  using exchange = await call.writer.open({ kind: 'encode', request: call.request }, call.signal);
  let underWay = 0;
  for await (const rgb of call.frames) {
    while (underWay >= PICTURES_AHEAD) {
      if ((await exchange.next()).kind === 'more') underWay--;
    }
    exchange.send({ kind: 'picture', rgb });
    underWay++;
  }
  exchange.send({ kind: 'end' });
  for (;;) {
    const message = await exchange.next();
    if (message.kind === 'done') return message.result as EncodedFacts;
  }
}

async function removeUnfinished(request: EncodeRequest): Promise<void> {
  await rm(partialPath(request), { force: true });
}
