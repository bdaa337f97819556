// Decodes chosen frames of a video file, by their place in the order in which they are shown. A frame's pixels do not depend on where
// decoding began: it begins at a packet marked as a key, and if FFmpeg does not give the frame from there on, at an earlier one.

import { BivdiffError } from '../../../common/errors.ts';
import { colourFacts } from '../ffmpeg/colour.ts';
import { decodeFrom, isWhole, type TimedFrame } from '../ffmpeg/frame-decoder.ts';
import { takeComplaints } from '../ffmpeg/open-input.ts';
import { PictureGraph, type Picture } from '../ffmpeg/picture-graph.ts';
import { corruptError } from '../media-errors.ts';
import type { VideoFacts } from '../media-types.ts';
import type { VideoKind } from './sniff.ts';
import { freed, indexVideo, inFfmpegsWords, type VideoIndex } from './video-index.ts';

export interface VideoSource {
  readonly path: string;
  readonly kind: VideoKind;
  readonly index: VideoIndex;
}

/** @throws invalid-argument — as `indexVideo` */
export async function openVideo(path: string, kind: VideoKind): Promise<VideoSource> {
  return { path, kind, index: await indexVideo(path, kind) };
}

/** A picture and which frame of the file it is. */
export interface IndexedPicture {
  readonly index: number;
  readonly picture: Picture;
}

/**
 * The frames at `indices` (ascending), upright, cropped, of the size that the file keeps (pixels not stretched).
 * @throws invalid-argument — one of them cannot be decoded
 */
export async function* decodeVideo(
  source: VideoSource,
  indices: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<IndexedPicture> {
  for (const run of runsBetweenKeys(source.index, indices)) {
    yield* decodeRun(source, run, signal);
  }
}

interface Run {
  /** Which key packet to begin at; undefined: at the file's beginning. */
  readonly key: number | undefined;
  readonly indices: readonly number[];
}

/** A jump costs about as much as a few frames: seeking, filling the decoder. */
const JUMP_FRAMES = 24;

/** Splits the indices where it is cheaper to jump to a later key packet than to decode on. */
export function runsBetweenKeys(
  index: Pick<VideoIndex, 'shown' | 'keys' | 'interlaced'>,
  indices: readonly number[],
): readonly Run[] {
  const runs: { key: number | undefined; indices: number[] }[] = [];
  let previous = -1;
  for (const wanted of indices) {
    const key = keyBefore(index, wanted);
    const run = runs.at(-1);
    const from = key === undefined ? 0 : frameOfKey(index, key);
    if (run !== undefined && from - previous < JUMP_FRAMES) run.indices.push(wanted);
    else runs.push({ key, indices: [wanted] });
    previous = wanted;
  }
  return runs;
}

/** The last key packet whose picture is not shown after this frame (after the one before it, where that takes part in its pixels). */
function keyBefore(
  { shown, keys, interlaced }: Pick<VideoIndex, 'shown' | 'keys' | 'interlaced'>,
  frame: number,
): number | undefined {
  if (shown === undefined) return undefined;
  const pts = shown[Math.max(0, frame - (interlaced ? 1 : 0))]!;
  const key = keys.findLastIndex((packet) => packet.pts <= pts);
  return key < 0 ? undefined : key;
}

/** The first frame that is shown no earlier than a key packet's picture. */
function frameOfKey({ shown, keys }: Pick<VideoIndex, 'shown' | 'keys'>, key: number): number {
  const frame = shown?.findIndex((pts) => pts >= keys[key]!.pts) ?? 0;
  return Math.max(0, frame);
}

async function* decodeRun(
  source: VideoSource,
  run: Run,
  signal?: AbortSignal,
): AsyncGenerator<IndexedPicture> {
  const left = [...run.indices];
  for (const key of beginnings(run.key)) {
    for (const indexed of picturesFrom(source, key, left)) {
      if (signal?.aborted) throw new BivdiffError('cancelled', 'decoding: cancelled');
      left.shift();
      yield indexed;
    }
    if (left.length === 0) return;
  }
  throw corruptError(source.path, left[0]!, inFfmpegsWords(await takeComplaints()));
}

/** Pictures that are renewed bit by bit (intra refresh) are whole only some key packets later. */
const KEYS_BACK = 3;

/** Where to try to begin, one after the other: this key packet, some before it, at last the beginning of the file. */
function beginnings(key: number | undefined): readonly (number | undefined)[] {
  if (key === undefined) return [undefined];
  const tried = Array.from({ length: Math.min(KEYS_BACK, key) + 1 }, (_, back) => key - back);
  return [...tried, undefined];
}

/** Of the wanted frames, those that come whole and in turn when decoding begins at this key packet. */
function* picturesFrom(
  { path, kind, index }: VideoSource,
  key: number | undefined,
  wanted: readonly number[],
): Generator<IndexedPicture> {
  const { orientation, crop, interlaced } = index;
  using graph = new PictureGraph({ orientation, crop, deinterlace: interlaced });
  const expected = [...wanted];
  const start = key === undefined ? undefined : index.keys[key];
  const entering = numbered(index, key, decodeFrom(path, kind, start));
  const pictures = interlaced
    ? filterAll(graph, entering)
    : filterWanted(graph, entering, expected);
  for (const indexed of pictures) {
    if (indexed.index < expected[0]!) continue;
    // Its turn has passed: decoding has to begin earlier for it.
    if (indexed.index > expected[0]!) return;
    expected.shift();
    yield indexed;
    if (expected.length === 0) return;
  }
}

/** Frames with their place in the order in which they are shown. What is not shown, or not whole, is left out. */
function* numbered(
  index: VideoIndex,
  key: number | undefined,
  frames: Iterable<TimedFrame>,
): Generator<{ readonly frame: TimedFrame['frame']; readonly at: number }> {
  const { shown } = index;
  let at = key === undefined ? 0 : frameOfKey(index, key);
  for (const { frame, pts } of freed(frames)) {
    if (shown !== undefined) {
      while (at < shown.length && shown[at]! < pts!) at++;
      if (shown[at] !== pts) continue;
    }
    if (isWhole(frame)) yield { frame, at };
    at++;
  }
}

type Numbered = ReturnType<typeof numbered>;

function* filterWanted(
  graph: PictureGraph,
  frames: Numbered,
  expected: readonly number[],
): Generator<IndexedPicture> {
  for (const { frame, at } of frames) {
    if (at < expected[0]!) continue;
    for (const picture of graph.push(frame)) yield { index: at, picture };
  }
}

/** Deinterlacing hands a frame out when it has seen the next. */
function* filterAll(graph: PictureGraph, frames: Numbered): Generator<IndexedPicture> {
  const waiting: number[] = [];
  for (const { frame, at } of frames) {
    waiting.push(at);
    for (const picture of graph.push(frame)) yield { index: waiting.shift()!, picture };
  }
  for (const picture of graph.end()) yield { index: waiting.shift()!, picture };
}

export function factsOfVideo({ index, kind }: VideoSource): VideoFacts {
  const { width, height, orientation, pixelAspect, pixelFormat, alpha, interlaced } = index;
  return {
    container: kind,
    codec: index.codecString ?? index.codec,
    frames: index.frames,
    ...shownSize(index),
    rotation: orientation.turn,
    mirrored: orientation.mirrored,
    stored: { width, height },
    ...{ pixelAspect, pixelFormat, alpha, interlaced },
    colour: colourFacts(index.tags, index.takenTags),
    sounds: index.sounds,
    ...timing(index),
  };
}

/** As a player shows it: upright, cropped, its pixels stretched to squares. */
export function shownSize(index: VideoIndex): { readonly width: number; readonly height: number } {
  const { crop, orientation, pixelAspect } = index;
  const width = index.width - (crop === undefined ? 0 : crop.left + crop.right);
  const height = index.height - (crop === undefined ? 0 : crop.top + crop.bottom);
  const wide = Math.max(1, Math.round(width * pixelAspect));
  return orientation.turn % 180 === 0 ? { width: wide, height } : { width: height, height: wide };
}

function timing({ shown, frames, secondsPerTick, lastDuration }: VideoIndex) {
  if (shown === undefined) {
    return { durationSeconds: 0, framesPerSecond: 0, variableFrameRate: false };
  }
  const spanSeconds = (shown.at(-1)! - shown[0]!) * secondsPerTick;
  const gaps = shown.slice(1).map((pts, i) => (pts - shown[i]!) * secondsPerTick);
  const longest = gaps.reduce((a, b) => Math.max(a, b), 0);
  const shortest = gaps.reduce((a, b) => Math.min(a, b), Infinity);
  return {
    durationSeconds: spanSeconds + lastDuration * secondsPerTick,
    // Between first and last frame: the last one's duration is a guess in some containers.
    framesPerSecond: spanSeconds > 0 ? Number(((frames - 1) / spanSeconds).toFixed(3)) : 0,
    // A container's clock may be as coarse as 1 ms, so two gaps of one length may differ by two ticks.
    variableFrameRate: gaps.length > 0 && longest - shortest > 0.0025,
  };
}
