// Frames to a video file in any of the formats that FFmpeg writes. Equal frames and settings give equal bytes, whatever
// the machine's processors are: every encoder's threads are fixed in output-codecs.ts.

import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { BivdiffError } from '../../../common/errors.ts';
import { frameRateOf } from '../../../common/outputs/frame-rate.ts';
import { cannotWrite } from '../../../common/write-failure.ts';
import { partialPath } from '../encode-paths.ts';
import type { EncodedFacts, EncodeRequest, FrameSize } from '../media-types.ts';
import { FrameConverter } from './frame-converter.ts';
import { GROWING_CODEC, OUTPUT_CODECS, type CodecFormat } from './output-codecs.ts';
import { SoundTrack } from './sound-track.ts';
import { VideoFile } from './video-file.ts';

/**
 * Where the codec wants even sides, odd ones grow by a copied row or column.
 * @throws internal — the encoder failed
 * @throws resource-exhausted, permission-denied — the file system's word, with the file as it is called
 */
export async function writeVideo(
  request: EncodeRequest & { readonly format: CodecFormat },
  frames: AsyncIterable<Uint8Array>,
): Promise<EncodedFacts> {
  const { growing = false } = request;
  const codec = growing ? GROWING_CODEC : OUTPUT_CODECS[request.format];
  const size = codec.evenSides ? evenSizeOf(request) : sizeOf(request);
  const rate = frameRateOf(request.framesPerSecond);
  const partial = path.resolve(growing ? request.path : partialPath(request));
  // Of two that write one video at a time, the second finds the name taken.
  await makeEmpty(partial, request);
  try {
    let count = 0;
    {
      const alpha = request.channels === 4;
      using converter = new FrameConverter(size, rate, codec, alpha);
      const { sound: kept } = request;
      using sound = kept === undefined ? undefined : await SoundTrack.open(kept);
      const target = { path: partial, codec, alpha, rate, ...size, sound, inFragments: growing };
      await using file = await VideoFile.create(target);
      for await (const rgb of frames) {
        using frame = await converter.convert(grown(rgb, request, size), count++);
        await file.add(frame);
      }
      await file.finish();
    }
    const { size: bytes } = await stat(partial);
    if (!growing) await rename(partial, request.path);
    return { ...size, frames: count, bytes };
  } catch (cause) {
    const { code, details } = BivdiffError.from(cause);
    const isFiles = !(cause instanceof BivdiffError) || details['errno'] !== undefined;
    if (code !== 'internal') {
      throw isFiles ? cannotWrite(request.calledAs ?? request.path, cause) : cause;
    }
    throw new BivdiffError('internal', `encoding ${request.format} failed`, { cause });
  } finally {
    if (!growing) await rm(partial, { force: true });
  }
}

async function makeEmpty(file: string, request: EncodeRequest): Promise<void> {
  try {
    await (await open(file, 'wx')).close();
  } catch (cause) {
    // Not the output itself, but what somebody else makes of it now.
    if (BivdiffError.from(cause).code === 'already-exists') throw cause;
    throw cannotWrite(request.calledAs ?? request.path, cause);
  }
}

function sizeOf({ width, height }: FrameSize): FrameSize {
  return { width, height };
}

function evenSizeOf({ width, height }: FrameSize): FrameSize {
  return { width: width + (width & 1), height: height + (height & 1) };
}

/** The frame with its last column and row once more where the size is one larger. */
function grown(rgb: Uint8Array, from: FrameSize, to: FrameSize): Uint8Array {
  if (from.width === to.width && from.height === to.height) return rgb;
  const bytes = new Uint8Array(to.width * to.height * 3);
  for (let y = 0; y < to.height; y++) {
    const start = Math.min(y, from.height - 1) * from.width * 3;
    const row = rgb.subarray(start, start + from.width * 3);
    bytes.set(row, y * to.width * 3);
    if (to.width > from.width) bytes.set(row.subarray(-3), (y * to.width + from.width) * 3);
  }
  return bytes;
}
