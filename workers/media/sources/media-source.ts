// Any source of frames by its path: opens it by what it is, tells its facts, decodes and resizes frames.
// Runs in the child process that reads untrusted media.

import { stat } from 'node:fs/promises';
import { BivdiffError } from '../../../common/errors.ts';
import { refuseSpecial } from '../../../common/sources/source.ts';
import { decodeImages, openFolder, openPicture, type ImageSource } from './image-source.ts';
import { notFoundError, notMediaError, pastTheEndError, truncatedError } from '../media-errors.ts';
import type { DecodedFrame, DecodeRequest, VideoFacts } from '../media-types.ts';
import { fitPicture } from '../pixels/resize.ts';
import { endsEarly } from './ends-early.ts';
import { isPictureKind, sniffFile } from './sniff.ts';
import { factsOfVideo, shownSize, VideoSource } from './video-source.ts';

export type MediaSource =
  | { readonly kind: 'video'; readonly facts: VideoFacts; readonly video: VideoSource }
  | { readonly kind: 'images'; readonly facts: VideoFacts; readonly images: ImageSource };

/**
 * Reads what is needed to find any frame.
 * @throws not-found
 * @throws invalid-argument — not a source of frames, empty, cut short, or of a codec that cannot be read
 */
export async function openSource(path: string): Promise<MediaSource> {
  const facts = await stat(path).catch((cause: unknown) => {
    const error = BivdiffError.from(cause);
    throw error.code === 'not-found' ? notFoundError(path, cause) : error;
  });
  refuseSpecial(path, facts);
  if (facts.isDirectory()) return sourceOfImages(await openFolder(path));
  const kind = await sniffFile(path);
  if (kind === 'unknown') throw notMediaError(path);
  if (isPictureKind(kind)) {
    const picture = await openPicture(path);
    if (await endsEarly(path, kind)) throw truncatedError(path, picture.facts.frames);
    return sourceOfImages(picture);
  }
  const video = await VideoSource.open(path, kind);
  return { kind: 'video', facts: factsOfVideo(video), video };
}

/** Lets go of the decoder of a source that is not read at present. */
export function restSource(source: MediaSource): void {
  if (source.kind === 'video') source.video[Symbol.dispose]();
}

function sourceOfImages(images: ImageSource): MediaSource {
  return { kind: 'images', facts: images.facts, images };
}

/** The frames asked for, in order, resized. @throws invalid-argument — an index past the end, or a damaged file */
export async function* decodeFrames(
  source: MediaSource,
  request: DecodeRequest,
  signal?: AbortSignal,
): AsyncGenerator<DecodedFrame> {
  const { indices, size, resize, askedAs, keepAlpha = false } = request;
  const last = indices.at(-1) ?? -1;
  const { frames } = source.facts;
  if (last >= frames) throw pastTheEndError(request.path, { frames, last, askedAs });
  const isVideo = source.kind === 'video';
  const pictures = isVideo
    ? source.video.decode(indices, signal)
    : decodeImages(source.images, indices, signal);
  for await (const { index, picture } of pictures) {
    const shown = isVideo ? shownSize(source.video.index) : picture;
    const { pixels, channels } = await fitPicture(picture, { shown, size, resize, keepAlpha });
    yield { index, rgb: pixels, channels };
  }
}
