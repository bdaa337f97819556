// Learns of a video file which frames it has: from its packets, and, where they do not tell, by decoding it once. Says how they are
// to be brought upright and to RGB.

import {
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_FRAME_FLAG_INTERLACED,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_PKT_DATA_FRAME_CROPPING,
} from 'node-av/constants';
import { avGetCodecName, type Frame, type Stream } from 'node-av/lib';

import { BivdiffError } from '../../../common/errors.ts';
import {
  decodeFrom,
  decoderOf,
  firstBeginning,
  isWhole,
  type TimedFrame,
} from '../ffmpeg/frame-decoder.ts';
import { openInput, soundFacts, takeComplaints } from '../ffmpeg/open-input.ts';
import { orientationOf, type Orientation } from '../ffmpeg/orientation.ts';
import { readPackets, type KeyPacket, type PacketIndex } from '../ffmpeg/packet-index.ts';
import {
  hasAlpha,
  isRgb,
  PictureGraph,
  pixelFormatOf,
  tagsOf,
  type Crop,
} from '../ffmpeg/picture-graph.ts';
import { assumedTags, colourFacts, type ColourTags } from '../ffmpeg/colour.ts';
import {
  brokenContainerError,
  corruptError,
  noFramesError,
  tooLargeError,
  truncatedError,
  unknownColoursError,
  unsupportedCodecError,
} from '../media-errors.ts';
import { endsEarly } from './ends-early.ts';
import type { VideoKind } from './sniff.ts';

/** What is known of a video file once it has been looked at. */
export interface VideoIndex {
  /** FFmpeg's name of the codec. */
  readonly codec: string;
  readonly codecString: string | undefined;
  /** As stored: before anything is turned, cropped or stretched. */
  readonly width: number;
  readonly height: number;
  /** How wide a pixel is shown, over how high. */
  readonly pixelAspect: number;
  readonly orientation: Orientation;
  readonly crop: Crop | undefined;
  readonly pixelFormat: string;
  readonly alpha: boolean;
  readonly interlaced: boolean;
  /** As the file has them, and as they are taken. */
  readonly tags: ColourTags;
  readonly takenTags: ColourTags;
  /** What the container says, for frames that leave it open. */
  readonly containerTags: ColourTags;
  readonly sounds: number;
  /** FFmpeg's name of the sound's codec; undefined where there is none. */
  readonly soundCodec: string | undefined;
  /** When each frame is shown, in ticks; undefined where frames can be told by their order only. */
  readonly shown: readonly number[] | undefined;
  readonly frames: number;
  readonly keys: readonly KeyPacket[];
  readonly secondsPerTick: number;
  /** Frames per second by the container's or codec's word; NaN where they are silent. */
  readonly statedRate: number;
  readonly lastDuration: number;
}

/** A decoder holds up to some 20 pictures at once: 8192 squared takes 2 GB. */
const PIXELS_MAX = 8192 * 8192;
/** So many frames are decoded to see whether the packets have told the truth about them. */
const TRIED_FRAMES = 32;
/** VP8 keeps pictures that are only referred to in packets of their own, which look like any other. */
const HIDING_CODECS = new Set(['vp8']);

/** @throws invalid-argument — no video, cut short, or nothing that this FFmpeg can decode */
export async function indexVideo(path: string, kind: VideoKind): Promise<VideoIndex> {
  await takeComplaints();
  const { packets, facts } = await readFile(path, kind);
  const words = await takeComplaints();
  const isCut =
    !ENDLESS.has(kind) && (saysCut(words, packets) || (await endsEarly(path, kind, packets)));
  const from = firstBeginning(packets.keys);
  const decode = () => decodeFrom(path, kind, from);
  const tried = tryFrames(decode(), facts);
  if (tried.first === undefined) {
    throw isCut
      ? truncatedError(path, 0)
      : corruptError(path, 0, inFfmpegsWords(await takeComplaints()));
  }
  const shown = framesShown(packets, tried);
  if (isCut) throw truncatedError(path, wholeFrames(decode(), packets.cut));
  if (words.some((word) => HOLE.test(word)))
    throw corruptError(path, wholeFrames(decode(), packets.cut), inFfmpegsWords(words));
  proveColours(decode(), { ...facts, ...tried.first, path });
  const index = { ...facts, ...tried.first, lastDuration: packets.lastDuration };
  // A palette comes with the first packet; after a jump the decoder would have none.
  const keys = index.pixelFormat === PALETTE ? [] : packets.keys;
  if (shown !== undefined) return { ...index, keys, shown, frames: shown.length };
  return { ...index, keys, ...timesByDecoding(decode()) };
}

const PALETTE = 'pal8';

/** Streams that are made to be cut anywhere: what is whole of them is read. */
const ENDLESS = new Set<VideoKind>(['mpegts', 'mpeg']);

/** How FFmpeg says that a file ends too early. */
const CUT_SHORT = /partial file|ended prematurely|moov atom not found|packet corrupt/i;
function saysCut(words: readonly string[], { cut }: PacketIndex): boolean {
  return cut.size > 0 || words.some((word) => CUT_SHORT.test(word));
}

/** How it says that it skips what it does not understand of a Matroska file, with the frames in it. */
const HOLE = /exceeds containing master element|invalid as first byte of an EBML/i;

async function readFile(path: string, kind: VideoKind) {
  try {
    using input = openInput(path, kind);
    const { stream } = input;
    if (stream === undefined) throw noFramesError(path);
    const { width, height, codecId } = stream.codecpar;
    const codec = avGetCodecName(codecId) ?? 'unknown';
    if (decoderOf(stream) === undefined) throw unsupportedCodecError(path, codec);
    if (width * height > PIXELS_MAX) throw tooLargeError(path, width, height);
    const packets = readPackets(input);
    if (packets.shown.length === 0)
      throw packets.cut.size > 0 ? truncatedError(path, 0) : noFramesError(path);
    return { packets, facts: { ...streamFacts(stream, codec), ...soundFacts(input.format) } };
  } catch (reason) {
    const error = BivdiffError.from(reason);
    if (error.details['path'] !== undefined) throw error;
    const words = await takeComplaints();
    if (words.some((word) => CUT_SHORT.test(word))) throw truncatedError(path, 0);
    throw brokenContainerError(path, words.length === 0 ? error : inFfmpegsWords(words));
  }
}

function streamFacts(stream: Stream, codec: string) {
  const { codecpar, timeBase, sampleAspectRatio, avgFrameRate } = stream;
  const aspect = sampleAspectRatio.num > 0 ? sampleAspectRatio : codecpar.sampleAspectRatio;
  return {
    codec,
    codecString: codecpar.getCodecString() ?? undefined,
    width: codecpar.width,
    height: codecpar.height,
    pixelAspect: aspect.num > 0 && aspect.den > 0 ? aspect.num / aspect.den : 1,
    orientation: orientationOf(codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX)),
    crop: cropOf(codecpar.getCodedSideData(AV_PKT_DATA_FRAME_CROPPING)),
    containerTags: {
      matrix: codecpar.colorSpace,
      primaries: codecpar.colorPrimaries,
      transfer: codecpar.colorTrc,
      range: codecpar.colorRange,
    },
    secondsPerTick: timeBase.num / timeBase.den,
    statedRate: avgFrameRate.num / avgFrameRate.den,
  };
}

/** Brings one frame to RGB: what no filter takes is told now, and not when a task begins. @throws invalid-argument */
function proveColours(
  decoded: Iterable<TimedFrame>,
  index: Pick<VideoIndex, 'orientation' | 'crop' | 'containerTags' | 'tags'> & { path: string },
): void {
  const { orientation, crop, containerTags } = index;
  using graph = new PictureGraph({ orientation, crop, containerTags, deinterlace: false });
  for (const { frame } of freed(decoded)) {
    try {
      for (const _ of graph.push(frame)) return;
    } catch (cause) {
      throw unknownColoursError(index.path, colourFacts(index.tags, index.tags), cause);
    }
  }
}

/** Four 32-bit numbers: pixels cut away above, below, left, right. */
function cropOf(data: Buffer | null): Crop | undefined {
  if (data === null || data.length < 16) return undefined;
  const [top = 0, bottom = 0, left = 0, right = 0] = [0, 4, 8, 12].map((at) =>
    data.readUInt32LE(at),
  );
  return top + bottom + left + right === 0 ? undefined : { top, bottom, left, right };
}

interface Tried {
  /** Of the first frame: what only a decoder knows. */
  readonly first: FrameFacts | undefined;
  /** When the first frames are shown. */
  readonly times: readonly (number | undefined)[];
  /** Whether these are all that there are. */
  readonly all: boolean;
}

type FrameFacts = Pick<
  VideoIndex,
  'width' | 'height' | 'pixelFormat' | 'alpha' | 'interlaced' | 'tags' | 'takenTags'
> &
  Partial<Pick<VideoIndex, 'orientation'>>;

function tryFrames(
  decoded: Iterable<TimedFrame>,
  { codec, containerTags }: Pick<VideoIndex, 'codec' | 'containerTags'>,
): Tried {
  const times: (number | undefined)[] = [];
  let first: FrameFacts | undefined;
  if (HIDING_CODECS.has(codec)) times.push(undefined);
  for (const { frame, pts } of freed(decoded)) {
    times.push(pts);
    if (first === undefined) first = factsOfFrame(frame, containerTags);
    else if (isInterlaced(frame)) first = { ...first, interlaced: true };
    if (times.length >= TRIED_FRAMES) return { first, times, all: false };
  }
  return { first, times, all: true };
}

function factsOfFrame(frame: Frame, container: ColourTags): FrameFacts {
  const pixelFormat = pixelFormatOf(frame);
  const tags = tagsOf(frame, container);
  const matrix = frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  return {
    // Where the size changes on the way, FFmpeg tells the stream's as it saw it last.
    width: frame.width,
    height: frame.height,
    pixelFormat,
    alpha: hasAlpha(pixelFormat),
    interlaced: isInterlaced(frame),
    tags,
    takenTags: assumedTags(tags, isRgb(pixelFormat)),
    ...(matrix === null ? {} : { orientation: orientationOf(matrix) }),
  };
}

function isInterlaced(frame: Frame): boolean {
  return (frame.flags & AV_FRAME_FLAG_INTERLACED) !== 0;
}

/** The frames that the packets tell of, from the first on that can be decoded; undefined where decoding gave others. */
function framesShown(packets: PacketIndex, tried: Tried): readonly number[] | undefined {
  const [first] = tried.times;
  if (!packets.telling || first === undefined) return undefined;
  // Packets before the first whole picture belong to frames of which the file has not all that they need.
  const shown = packets.shown.filter((pts) => pts >= first);
  const agrees = tried.times.every((pts, i) => pts === shown[i]);
  return agrees && (!tried.all || shown.length === tried.times.length) ? shown : undefined;
}

/** Decodes all once. Times that rise from frame to frame name the frames; others do not. */
function timesByDecoding(decoded: Iterable<TimedFrame>) {
  const times: (number | undefined)[] = [];
  for (const { pts } of freed(decoded)) times.push(pts);
  const rising = times.every((pts, i) => pts !== undefined && (i === 0 || pts > times[i - 1]!));
  return { shown: rising ? (times as number[]) : undefined, frames: times.length };
}

/** How many frames there are before the first damaged one. */
function wholeFrames(decoded: Iterable<TimedFrame>, cut: ReadonlySet<number>): number {
  let count = 0;
  for (const { frame, pts } of freed(decoded)) {
    if (!isWhole(frame) || (pts !== undefined && cut.has(pts))) break;
    count++;
  }
  return count;
}

/** FFmpeg complains of every packet after the first bad one. */
const WORDS_MAX = 3;

/** A cause for an error that says what the file's fault is. */
export function inFfmpegsWords(words: readonly string[]): BivdiffError {
  const more = words.length > WORDS_MAX ? `; and ${words.length - WORDS_MAX} more` : '';
  const text = `${words.slice(0, WORDS_MAX).join('; ')}${more}`;
  return new BivdiffError('invalid-argument', text || 'the decoder gave no picture');
}

/** Frames that are freed when the next is asked for. */
export function* freed(frames: Iterable<TimedFrame>): Generator<TimedFrame> {
  for (const timed of frames) {
    try {
      yield timed;
    } finally {
      timed.frame.free();
    }
  }
}
