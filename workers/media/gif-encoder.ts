// Writes frames as an animated GIF, by libvips; no video codec is asked.

import { rename, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { BivdiffError } from '../../common/errors.ts';
import { frameRateOf, timeOfFrame } from '../../common/outputs/frame-rate.ts';
import { lengthProblem } from '../../common/outputs/output-limits.ts';
import { cannotWrite } from '../../common/write-failure.ts';
import { partialPath } from './encode-paths.ts';
import type { EncodedFacts, EncodeRequest } from './media-types.ts';

/**
 * Endless loop. Delays are whole hundredths of a second, spread so that no drift adds up. @throws invalid-argument — too
 * many frames to hold @throws resource-exhausted, permission-denied — the file system's word, with the file as it is called
 */
export async function encodeGif(
  request: EncodeRequest,
  frames: AsyncIterable<Uint8Array>,
): Promise<EncodedFacts> {
  const { width, height } = request;
  const rate = frameRateOf(request.framesPerSecond);
  const pictures: Uint8Array[] = [];
  for await (const rgb of frames) {
    pictures.push(rgb);
    const problem = lengthProblem('gif', pictures.length, request);
    if (problem !== undefined) {
      throw new BivdiffError('invalid-argument', problem, {
        hint: 'Choose mp4 or webm, or fewer frames.',
      });
    }
  }
  const delay = pictures.map(
    (_, i) => 10 * (timeOfFrame(i + 1, rate, 100) - timeOfFrame(i, rate, 100)),
  );
  const raw = { width, height: height * pictures.length, channels: 3 as const, pageHeight: height };
  const gif = await sharp(Buffer.concat(pictures), { raw, limitInputPixels: false })
    .gif({
      loop: 0,
      delay,
      // 4 takes a third of the time, and costs 0.7 to 2 dB and 1 to 11 % more bytes.
      effort: 7,
      dither: 0.5,
      interFrameMaxError: 0,
      keepDuplicateFrames: true,
    })
    .toBuffer();
  // Written beside the target, then renamed: nothing is left behind when writing fails.
  const partial = partialPath(request);
  try {
    await writeFile(partial, gif, { flag: 'wx' });
    await rename(partial, request.path);
  } catch (cause) {
    if (BivdiffError.from(cause).code === 'already-exists') throw cause;
    throw cannotWrite(request.calledAs ?? request.path, cause);
  } finally {
    await rm(partial, { force: true });
  }
  return { width, height, frames: pictures.length, bytes: gif.length };
}
