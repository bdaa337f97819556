// Frames into a file, one at a time: what assembling a render's output and a roundtrip have in common.

import { BivdiffError } from '../../common/errors.ts';
import type { MediaService } from './media-service.ts';
import type { EncodedFacts, EncodeRequest } from './media-types.ts';

export interface WriteMovieOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of each frame that the encoder has been given. */
  readonly onFrame?: ((done: number) => void) | undefined;
}

/** Encodes frames as they come; no more are asked for than the encoder has room for. @throws as `MediaService.encode` */
export async function writeMovie(
  media: Pick<MediaService, 'encode'>,
  request: EncodeRequest,
  frames: AsyncIterable<Uint8Array>,
  { signal, onFrame }: WriteMovieOptions,
): Promise<EncodedFacts> {
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    let done = 0;
    for await (const rgb of frames) {
      if (signal?.aborted === true) throw BivdiffError.from(signal.reason);
      yield rgb;
      done += 1;
      onFrame?.(done);
    }
  };
  return media.encode(request, watched(), signal === undefined ? {} : { signal });
}
