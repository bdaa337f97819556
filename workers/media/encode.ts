// Writes a video file from frames: checks what is asked for, then hands it to the writer of its format.

import { access } from 'node:fs/promises';
import { BivdiffError } from '../../common/errors.ts';
import type { EncodedFacts, EncodeRequest } from './media-types.ts';
import { encodeGif } from './gif-encoder.ts';
import { encodeWithCodec } from './video-encoder.ts';

const FRAMES_PER_SECOND_MAX = 240;
const SIDE_MAX = 8192;

/**
 * Frames are `[height, width, 3]` RGB of the request's size. Nothing is left at the path when it fails.
 * @throws invalid-argument — a size, rate or frame that cannot be, or no frames
 * @throws already-exists — the path is taken
 */
export async function encodeFrames(
  request: EncodeRequest,
  frames: AsyncIterable<Uint8Array>,
): Promise<EncodedFacts> {
  checkRequest(request);
  await access(request.path).then(
    () => {
      throw new BivdiffError('already-exists', `${request.path} exists`, {
        hint: 'Choose another name, or remove it first.',
      });
    },
    () => undefined,
  );
  const checked = checkedFrames(request, frames);
  switch (request.format) {
    case 'mp4':
    case 'webm':
      return encodeWithCodec({ ...request, format: request.format }, checked);
    case 'gif':
      return encodeGif(request, checked);
  }
}

function checkRequest({ width, height, framesPerSecond }: EncodeRequest): void {
  const sound = (side: number) => Number.isInteger(side) && side >= 16 && side <= SIDE_MAX;
  if (!sound(width) || !sound(height)) {
    throw new BivdiffError('invalid-argument', `a video cannot be ${width}x${height}`, {
      hint: `Each side has to be a whole number from 16 to ${SIDE_MAX}.`,
    });
  }
  if (!(framesPerSecond > 0 && framesPerSecond <= FRAMES_PER_SECOND_MAX)) {
    throw new BivdiffError(
      'invalid-argument',
      `a video cannot have ${framesPerSecond} frames per second`,
      { hint: `Choose a number above 0, at most ${FRAMES_PER_SECOND_MAX}.` },
    );
  }
}

async function* checkedFrames(request: EncodeRequest, frames: AsyncIterable<Uint8Array>) {
  const expected = request.width * request.height * 3;
  let index = 0;
  for await (const rgb of frames) {
    if (rgb.length !== expected) {
      throw new BivdiffError(
        'invalid-argument',
        `frame ${index} has ${rgb.length} bytes; ${request.width}x${request.height} RGB has ${expected}`,
      );
    }
    index++;
    yield rgb;
  }
  if (index === 0) {
    throw new BivdiffError('invalid-argument', 'there are no frames to make a video of');
  }
}
