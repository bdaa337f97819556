// Writes a video file from frames: checks what is asked for, then hands it to the writer of its format.

import { access } from 'node:fs/promises';
import { BivdiffError } from '../../common/errors.ts';
import { keepsAlpha } from '../../common/outputs/output-formats.ts';
import { rateProblem, sizeProblem } from '../../common/outputs/output-limits.ts';
import type { EncodedFacts, EncodeRequest } from './media-types.ts';
import { encodeGif } from './gif-encoder.ts';
import { writeVideo } from './ffmpeg/video-writer.ts';

/**
 * Frames are `[height, width, channels]` of the request's size. Nothing is left at the path when it fails.
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
      throw new BivdiffError('already-exists', `${request.calledAs ?? request.path} exists`, {
        hint: 'Choose another name, or remove it first.',
      });
    },
    () => undefined,
  );
  const checked = checkedFrames(request, frames);
  switch (request.format) {
    case 'gif':
      return encodeGif(request, checked);
    default:
      return writeVideo({ ...request, format: request.format }, checked);
  }
}

function checkRequest(request: EncodeRequest): void {
  const { format, width, height, framesPerSecond, channels, growing = false } = request;
  if (channels === 4 && !keepsAlpha(format)) {
    throw new BivdiffError('invalid-argument', `${format} cannot keep alpha`);
  }
  if (growing && format !== 'mp4') {
    throw new BivdiffError('invalid-argument', `${format} cannot be played while it is written`);
  }
  const size = sizeProblem(format, { width, height });
  if (size !== undefined) throw unfit(`a video cannot be ${width}x${height}`, size);
  const rate = rateProblem(format, framesPerSecond);
  if (rate !== undefined)
    throw unfit(`a video cannot have ${framesPerSecond} frames per second`, rate);
}

function unfit(problem: string, limits: string): BivdiffError {
  return new BivdiffError('invalid-argument', `${problem}: ${limits}`, {
    hint: 'Choose another size, rate or format.',
  });
}

async function* checkedFrames(request: EncodeRequest, frames: AsyncIterable<Uint8Array>) {
  const { width, height, channels = 3 } = request;
  const expected = width * height * channels;
  let index = 0;
  for await (const rgb of frames) {
    if (rgb.length !== expected) {
      throw new BivdiffError(
        'invalid-argument',
        `frame ${index} has ${rgb.length} bytes; ${width}x${height} with ${channels} channels has ${expected}`,
      );
    }
    index++;
    yield rgb;
  }
  if (index === 0) {
    throw new BivdiffError('invalid-argument', 'there are no frames to make a video of');
  }
}
