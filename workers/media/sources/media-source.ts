// Any source of frames by its path: opens it by what it is, tells its facts, decodes and resizes frames.
// Runs in the child process that reads untrusted media.

import { stat } from 'node:fs/promises';
import { BivdiffError } from '../../../common/errors.ts';
import { decodeImages, openFolder, openPicture, type ImageSource } from './image-source.ts';
import { notFoundError, notMediaError, pastTheEndError } from '../media-errors.ts';
import type { DecodedFrame, DecodeRequest, VideoFacts } from '../media-types.ts';
import { resizeRgb } from '../pixels/resize.ts';
import { sniffFile } from '../containers/sniff.ts';
import { decodeVideo, factsOfVideo, openVideo, type VideoSource } from './video-source.ts';

export type MediaSource =
  | { readonly kind: 'video'; readonly facts: VideoFacts; readonly video: VideoSource }
  | { readonly kind: 'images'; readonly facts: VideoFacts; readonly images: ImageSource };

/**
 * Reads what is needed to find any frame.
 * @throws not-found
 * @throws invalid-argument — not a source of frames, empty, cut short, or of a codec that cannot be read
 */
export async function openSource(path: string, signal?: AbortSignal): Promise<MediaSource> {
  const facts = await stat(path).catch((cause: unknown) => {
    const error = BivdiffError.from(cause);
    throw error.code === 'not-found' ? notFoundError(path, cause) : error;
  });
  if (facts.isDirectory()) return sourceOfImages(await openFolder(path));
  const kind = await sniffFile(path);
  if (kind === 'unknown') throw notMediaError(path);
  if (kind === 'mp4' || kind === 'matroska') {
    const video = await openVideo(path, kind, signal);
    return { kind: 'video', facts: factsOfVideo(video), video };
  }
  return sourceOfImages(await openPicture(path));
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
  const { indices, size, resize, askedAs } = request;
  const last = indices.at(-1) ?? -1;
  const { frames } = source.facts;
  if (last >= frames) throw pastTheEndError(request.path, { frames, last, askedAs });
  const images =
    source.kind === 'video'
      ? decodeVideo(source.video, indices, signal)
      : decodeImages(source.images, indices, signal);
  for await (const image of images) {
    yield { index: image.index, rgb: await resizeRgb(image, size, resize) };
  }
}
