// The mistakes a media source can hold, each worded once. Every message names the file and what to do.

import path from 'node:path';
import { BivdiffError } from '../../common/errors.ts';
import type { ColourFacts } from './media-types.ts';

const READABLE =
  'MP4, MOV, WebM, MKV, AVI, MPEG-TS and other videos (docs/media.md), GIF, PNG, JPEG, WebP, AVIF, or a folder of pictures';

export function notFoundError(source: string, cause: unknown): BivdiffError {
  return new BivdiffError('not-found', `${source}: no such file or folder`, {
    cause,
    hint: 'Check the path; a relative path starts at the folder that the command runs in, one in a file at the folder of that file.',
  });
}

export function notMediaError(source: string): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `${nameOf(source)} is not a video or picture that can be read`,
    {
      hint: `Its first bytes are of no known kind. Readable: ${READABLE}.`,
      details: { path: source },
    },
  );
}

/** Its first bytes are right, and what follows cannot be read. */
export function brokenContainerError(source: string, cause: unknown): BivdiffError {
  return new BivdiffError('invalid-argument', `${nameOf(source)} cannot be read`, {
    hint: 'It begins as such a file does, but is damaged or cut. Copy or download it again, or convert it once: ffmpeg -i INPUT OUTPUT.mp4',
    details: { path: source },
    cause,
  });
}

export function noPicturesError(folder: string): BivdiffError {
  return new BivdiffError('invalid-argument', `${nameOf(folder)} holds no pictures`, {
    hint: 'A folder as a source needs PNG, JPEG, WebP or AVIF files, one per frame, numbered.',
    details: { path: folder },
  });
}

export function noFramesError(source: string): BivdiffError {
  return new BivdiffError('invalid-argument', `${nameOf(source)} has no video frames`, {
    hint: 'Its container is sound but holds no picture. Is it a sound-only file?',
    details: { path: source },
  });
}

export function unsupportedCodecError(source: string, codec: string): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `${nameOf(source)} uses a codec that cannot be read: ${codec}`,
    {
      hint: 'Convert it first: ffmpeg -i INPUT -c:v libx264 OUTPUT.mp4',
      details: { path: source, codec },
    },
  );
}

export function tooLargeError(source: string, width: number, height: number): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `${nameOf(source)} is ${width}x${height}: too large`,
    {
      hint: 'Frames may have at most 67 million pixels (8192x8192). Make it smaller first.',
      details: { path: source, width, height },
    },
  );
}

export function truncatedError(source: string, readableFrames: number): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `${nameOf(source)} is truncated: it ends too early; ${readableFrames} frames could be read`,
    {
      hint: 'Copy or download it again. To use what is there, cut it first: ffmpeg -i INPUT -c copy OUTPUT.mp4',
      details: { path: source, readableFrames },
    },
  );
}

export function corruptError(source: string, readableFrames: number, cause: unknown): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `${nameOf(source)} is damaged: ${readableFrames} frames could be read, then decoding failed`,
    {
      hint: 'Copy or download it again, or convert it once with another program.',
      details: { path: source, readableFrames },
      cause,
    },
  );
}

/** `name`: with its folder, where the folder is the source. */
export function damagedPictureError(file: string, name: string, cause: unknown): BivdiffError {
  return new BivdiffError('invalid-argument', `${name} is damaged, or no picture`, {
    hint: 'Copy or download it again, or write it anew with another program: as PNG, JPEG, WebP or AVIF.',
    details: { path: file },
    cause,
  });
}

/** By the tags that ffprobe shows too. */
export function unknownColoursError(
  source: string,
  { matrix, primaries, transfer, range }: ColourFacts,
  cause: unknown,
): BivdiffError {
  return new BivdiffError(
    'invalid-argument',
    `${nameOf(source)} has colours that cannot be read: matrix ${matrix}, primaries ${primaries}, transfer ${transfer}, range ${range}`,
    {
      hint: 'If the tags are wrong, set others: ffmpeg -i INPUT -c copy -bsf:v h264_metadata=matrix_coefficients=1 OUTPUT.mp4. Else convert it first.',
      details: { path: source },
      cause,
    },
  );
}

/** A decoder or filter gave up in a way that nobody foresaw. */
export function unreadableError(source: string, cause: unknown): BivdiffError {
  return new BivdiffError('invalid-argument', `${nameOf(source)} cannot be decoded`, {
    hint: 'Convert it first: ffmpeg -i INPUT -c:v libx264 OUTPUT.mp4. If other programs show it, this is a defect here.',
    details: { path: source },
    cause,
  });
}

/** Several indices asked for, fewer frames there. */
export function pastTheEndError(
  source: string,
  counts: { readonly frames: number; readonly last: number; readonly askedAs?: string | undefined },
): BivdiffError {
  const how = counts.askedAs === undefined ? '' : ` (${counts.askedAs})`;
  return new BivdiffError(
    'invalid-argument',
    `${nameOf(source)} has ${counts.frames} frames; frames up to ${counts.last} were asked for${how}`,
    {
      hint: `Ask for fewer frames, a smaller stride, or an earlier start: the last frame is ${counts.frames - 1}.`,
      details: { path: source, frames: counts.frames, last: counts.last },
    },
  );
}

function nameOf(source: string): string {
  return path.basename(source);
}

/** In the words of V8, C++, libvips and the system, none of which has a code for it. */
export function saysOutOfMemory(text: string): boolean {
  return /out of memory|allocation failed|bad_alloc|cannot allocate memory/i.test(text);
}
