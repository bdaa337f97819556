// Writes frames without a video codec: an animated GIF, a folder of PNGs, or the same as one ZIP.

import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { BivdiffError } from '../../common/errors.ts';
import { partialPath } from './encode-paths.ts';
import { lengthProblem } from '../../common/output-limits.ts';
import { frameRateOf, timeOfFrame } from './frame-rate.ts';
import type { EncodedFacts, EncodeRequest } from './media-types.ts';
import { encodePng } from './pixels/png.ts';
import { ZipWriter } from './containers/zip-writer.ts';

/**
 * Endless loop. Delays are whole hundredths of a second, spread so that no drift adds up. @throws invalid-argument — too
 * many frames to hold
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
      effort: 7,
      dither: 0.5,
      interFrameMaxError: 0,
      keepDuplicateFrames: true,
    })
    .toBuffer();
  await publish(request, (partial) => writeFile(partial, gif, { flag: 'wx' }));
  return { width, height, frames: pictures.length, bytes: gif.length };
}

/** frame-000001.png and so on, in a new folder. */
export async function encodePngFolder(
  request: EncodeRequest,
  frames: AsyncIterable<Uint8Array>,
): Promise<EncodedFacts> {
  let count = 0;
  let bytes = 0;
  await publish(request, async (partial) => {
    await mkdir(partial);
    for await (const png of pngsOf(request, frames)) {
      await writeFile(path.join(partial, pngName(count++)), png, { flag: 'wx' });
      bytes += png.length;
    }
  });
  return { width: request.width, height: request.height, frames: count, bytes };
}

/** The same files in one ZIP, stored as they are. */
export async function encodePngZip(
  request: EncodeRequest,
  frames: AsyncIterable<Uint8Array>,
): Promise<EncodedFacts> {
  let count = 0;
  let bytes = 0;
  await publish(request, async (partial) => {
    const file = await open(partial, 'wx');
    try {
      const zip = new ZipWriter((data) => file.appendFile(data));
      for await (const png of pngsOf(request, frames)) await zip.add(pngName(count++), png);
      await zip.finish();
      bytes = zip.bytes;
    } finally {
      await file.close();
    }
  });
  return { width: request.width, height: request.height, frames: count, bytes };
}

async function* pngsOf(request: EncodeRequest, frames: AsyncIterable<Uint8Array>) {
  const { width, height } = request;
  for await (const rgb of frames) yield await encodePng({ rgb, width, height });
}

function pngName(index: number): string {
  return `frame-${String(index + 1).padStart(6, '0')}.png`;
}

/** Writes beside the target, then renames; leaves nothing behind when writing fails. */
async function publish(
  target: EncodeRequest,
  write: (partial: string) => Promise<void>,
): Promise<void> {
  const partial = partialPath(target);
  try {
    await write(partial);
    await rename(partial, target.path);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}
