// Decodes chosen frames of a video file. A frame is known by its place in display order, never by its
// time: the codec library hands frames out in display order but stamps them in decode order.

import { VideoDecoder, type VideoFrame } from '@napi-rs/webcodecs';
import { BivdiffError } from '../../../common/errors.ts';
import { matrixOfCode } from '../pixels/colour-matrix.ts';
import { rgbFromVideoFrame, type FallbackTags } from '../pixels/frame-pixels.ts';
import { corruptError, truncatedError } from '../media-errors.ts';
import type { RgbImage, VideoFacts } from '../media-types.ts';
import { readMatroskaHeader } from '../containers/matroska-header.ts';
import { readMp4Header } from '../containers/mp4-header.ts';
import { rotateRgb } from '../pixels/resize.ts';
import {
  indexVideo,
  openDemuxer,
  videoChunks,
  type Demuxer,
  type VideoIndex,
} from '../containers/video-index.ts';

export interface VideoSource {
  readonly path: string;
  readonly container: 'mp4' | 'matroska';
  readonly index: VideoIndex;
  readonly rotation: 0 | 90 | 180 | 270;
  readonly fallbackTags: FallbackTags;
}

/**
 * Reads the file's index.
 * @throws invalid-argument — not readable, no frames, or cut short (says how many frames can be read)
 */
export async function openVideo(
  path: string,
  container: 'mp4' | 'matroska',
  signal?: AbortSignal,
): Promise<VideoSource> {
  const header = container === 'mp4' ? await readMp4Header(path) : await readMatroskaHeader(path);
  const cut = header.expectedBytes > header.fileBytes;
  const source = await indexedSource(path, container, signal).catch((reason: unknown) => {
    // Cut before its index: nothing of it can be read.
    if (cut && isInvalid(reason)) throw truncatedError(path, header, 0);
    throw reason;
  });
  const matrix = matrixOfCode(header.matrixCoefficients);
  const tagged: VideoSource = {
    ...source,
    rotation: header.rotation,
    fallbackTags: {
      ...(matrix === undefined ? {} : { matrix }),
      ...(header.fullRange === undefined ? {} : { fullRange: header.fullRange }),
    },
  };
  if (cut) throw truncatedError(path, header, await countReadable(tagged, signal));
  return tagged;
}

async function indexedSource(
  path: string,
  container: 'mp4' | 'matroska',
  signal?: AbortSignal,
): Promise<VideoSource> {
  const index = await indexVideo(path, container, signal);
  return { path, container, index, rotation: 0, fallbackTags: {} };
}

function isInvalid(reason: unknown): boolean {
  return reason instanceof BivdiffError && reason.code === 'invalid-argument';
}

/** A cut leaves what lies before it whole, so only what follows the last key frame is tried. */
async function countReadable(source: VideoSource, signal?: AbortSignal): Promise<number> {
  const { shown } = source.index;
  let readable = Math.max(
    0,
    shown.findLastIndex((packet) => packet.key),
  );
  const tail = shown.map((_, i) => i).slice(readable);
  try {
    for await (const frame of decodeVideo(source, tail, signal)) readable = frame.index + 1;
  } catch (reason) {
    if (!isInvalid(reason)) throw reason;
  }
  return readable;
}

export function factsOfVideo(source: VideoSource): VideoFacts {
  const { index, rotation, container } = source;
  const turned = rotation === 90 || rotation === 270;
  return {
    container,
    codec: index.codec,
    frames: index.shown.length,
    width: turned ? index.height : index.width,
    height: turned ? index.width : index.height,
    rotation,
    durationSeconds: index.durationUs / 1e6,
    framesPerSecond: Number(index.framesPerSecond.toFixed(3)),
    variableFrameRate: index.variableFrameRate,
  };
}

/**
 * The frames at `indices` (ascending), upright, at the source's size. Decoding starts at the last key frame that is not
 * after the first index, so the cost follows the distance to it and not the place in the file.
 */
export async function* decodeVideo(
  source: VideoSource,
  indices: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<RgbImage & { readonly index: number }> {
  for (const run of runsBetweenKeys(source.index, indices)) {
    yield* decodeRun(source, run, signal);
  }
}

interface Run {
  /** Display index of the key frame to start from. */
  readonly start: number;
  readonly indices: readonly number[];
}

/** Splits the indices where it is cheaper to jump to a later key frame than to decode on. */
export function runsBetweenKeys(index: VideoIndex, indices: readonly number[]): readonly Run[] {
  const runs: { start: number; indices: number[] }[] = [];
  let previous = -1;
  for (const wanted of indices) {
    let start = wanted;
    while (start > 0 && !index.shown[start]!.key) start--;
    const run = runs.at(-1);
    // A restart costs about as much as a few frames: opening the file, filling the decoder.
    if (run !== undefined && start - previous < RESTART_FRAMES) run.indices.push(wanted);
    else runs.push({ start, indices: [wanted] });
    previous = wanted;
  }
  return runs;
}

const RESTART_FRAMES = 24;

async function* decodeRun(
  source: VideoSource,
  run: Run,
  signal?: AbortSignal,
): AsyncGenerator<RgbImage & { readonly index: number }> {
  const wanted = new Set(run.indices);
  let delivered = 0;
  for await (const { frame, index } of framesFrom(source, run.start, signal)) {
    try {
      if (!wanted.has(index)) continue;
      const image = await rgbFromVideoFrame(frame, source.fallbackTags);
      yield { ...rotateRgb(image, source.rotation), index };
    } finally {
      frame.close();
    }
    if (++delivered === wanted.size) return;
  }
  throw corruptError(source.path, run.indices[delivered] ?? 0, undefined);
}

const CHUNKS_AHEAD_MAX = 16;

/** Every frame from the key frame at display index `start`, each with its index. The caller closes the frames. */
async function* framesFrom(
  source: VideoSource,
  start: number,
  signal?: AbortSignal,
): AsyncGenerator<{ frame: VideoFrame; index: number }> {
  const demuxer = await openDemuxer(source.path, source.container);
  const ready: VideoFrame[] = [];
  let failure: Error | undefined;
  const decoder = new VideoDecoder({
    output: (frame) => void ready.push(frame),
    error: (error) => void (failure ??= error),
  });
  let next = start;
  try {
    decoder.configure({ ...demuxer.videoDecoderConfig!, hardwareAcceleration: 'prefer-software' });
    let fed = 0;
    for await (const chunk of chunksFromKey(demuxer, source.index, start)) {
      if (signal?.aborted) throw new BivdiffError('cancelled', 'decoding: cancelled');
      decoder.decode(chunk);
      // Frames come out asynchronously, some chunks late; too many chunks in flight hold too much memory.
      if (++fed % CHUNKS_AHEAD_MAX === 0) await queueEmpty(decoder, () => failure !== undefined);
      while (ready.length > 0) yield { frame: ready.shift()!, index: next++ };
      if (failure !== undefined) break;
    }
    if (failure === undefined) await decoder.flush();
    while (ready.length > 0) yield { frame: ready.shift()!, index: next++ };
    if (failure !== undefined) throw failure;
  } catch (cause) {
    if (cause instanceof BivdiffError) throw cause;
    while (ready.length > 0) yield { frame: ready.shift()!, index: next++ };
    throw corruptError(source.path, next, failure ?? cause);
  } finally {
    for (const frame of ready) frame.close();
    if (decoder.state !== 'closed') decoder.close();
    demuxer.close();
  }
}

async function queueEmpty(decoder: VideoDecoder, failed: () => boolean): Promise<void> {
  while (decoder.decodeQueueSize > 0 && !failed()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Chunks in decode order from the key frame on. Frames that are shown before it but stored after it (an open GOP's
 * leading frames) refer to what came before and are left out; nothing else refers to them.
 */
async function* chunksFromKey(demuxer: Demuxer, index: VideoIndex, start: number) {
  const keyUs = index.shown[start]!.timestampUs;
  if (start > 0) demuxer.seek(keyUs + 1);
  let found = false;
  let strays = 0;
  for await (const chunk of videoChunks(demuxer)) {
    found ||= chunk.timestamp === keyUs;
    if (found && chunk.timestamp >= keyUs) yield chunk;
    // A seek that went past the key frame never finds it: start again from the beginning, once.
    if (!found && strays++ === 0 && chunk.timestamp > keyUs) break;
  }
  if (found) return;
  demuxer.seek(0);
  for await (const chunk of videoChunks(demuxer)) {
    found ||= chunk.timestamp === keyUs;
    if (found && chunk.timestamp >= keyUs) yield chunk;
  }
}
