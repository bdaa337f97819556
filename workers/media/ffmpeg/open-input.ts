// Opens a media file with FFmpeg's demuxers: only the one that its first bytes name, only files, nothing that it points at. Picks the
// streams that a player would show and play.

import {
  AV_DISPOSITION_ATTACHED_PIC,
  AV_DISPOSITION_STILL_IMAGE,
  AV_DISPOSITION_TIMED_THUMBNAILS,
  AV_LOG_WARNING,
  AV_DISPOSITION_DEFAULT,
  AVDISCARD_ALL,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import {
  avGetCodecName,
  Dictionary,
  FormatContext,
  InputFormat,
  Log,
  type Stream,
} from 'node-av/lib';

import { BivdiffError } from '../../../common/errors.ts';
import type { VideoKind } from '../sources/sniff.ts';
import { wordsOf } from './checked.ts';
import { Complaints } from './complaints.ts';

/** FFmpeg's demuxer for each kind of file. Playlists, and whatever else opens other files, are not among them. */
const DEMUXER_BY_KIND: Readonly<Record<VideoKind, string>> = {
  mp4: 'mov',
  matroska: 'matroska',
  avi: 'avi',
  mpegts: 'mpegts',
  mpeg: 'mpeg',
  flv: 'flv',
  ogg: 'ogg',
  asf: 'asf',
  mxf: 'mxf',
  ivf: 'ivf',
  y4m: 'yuv4mpegpipe',
  apng: 'apng',
};

/** No network, no playlists, no files but the one that was named. */
const CLOSED = { protocol_whitelist: 'file', enable_drefs: '0', use_absolute_path: '0' };

/** A file that FFmpeg has open. */
export interface Input extends Disposable {
  readonly format: FormatContext;
  /** What is read of it. Undefined where the file holds no moving pictures, or no sound. */
  readonly stream: Stream | undefined;
}

/**
 * For its moving pictures, or for its sound; other streams are passed over.
 * @throws invalid-argument — FFmpeg cannot open it; its own words are the message
 */
export function openInput(
  path: string,
  kind: VideoKind,
  wanted: 'pictures' | 'sound' = 'pictures',
): Input {
  const format = new FormatContext();
  format.allocContext();
  const demuxer = InputFormat.findInputFormat(DEMUXER_BY_KIND[kind]);
  const options = Dictionary.fromObject(CLOSED);
  try {
    // The prefix keeps a name with a colon from being read as an address.
    refuse(format.openInputSync(`file:${path}`, demuxer, options));
    refuse(format.findStreamInfoSync(null));
  } catch (reason) {
    format.closeInputSync();
    throw reason;
  }
  const stream = wanted === 'sound' ? soundStream(format) : videoStream(format);
  for (const other of format.streams) {
    if (other.index !== stream?.index) other.discard = AVDISCARD_ALL;
  }
  return { format, stream, [Symbol.dispose]: () => format.closeInputSync() };
}

function refuse(code: number): void {
  if (code < 0) throw new BivdiffError('invalid-argument', wordsOf(code));
}

const NO_VIDEO = AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS;

/** The one marked as default, then the largest, then the first; a cover or a row of thumbnails is no video. */
function videoStream(format: FormatContext): Stream | undefined {
  const streams = format.streams.filter(
    (stream) =>
      stream.codecpar.codecType === AVMEDIA_TYPE_VIDEO && (stream.disposition & NO_VIDEO) === 0,
  );
  const rank = (stream: Stream): number => {
    const { width, height } = stream.codecpar;
    // Beside the frames of an AVIF sequence there is one for viewers of stills, not marked as such.
    const still = (stream.disposition & AV_DISPOSITION_STILL_IMAGE) !== 0 || stream.nbFrames === 1n;
    const isDefault = (stream.disposition & AV_DISPOSITION_DEFAULT) !== 0;
    return (still ? 0 : 2e12) + (isDefault ? 1e12 : 0) + width * height;
  };
  return streams.toSorted((a, b) => rank(b) - rank(a))[0];
}

/** The one marked as default, then the first. */
function soundStream(format: FormatContext): Stream | undefined {
  const streams = soundStreams(format);
  const isDefault = ({ disposition }: Stream): boolean =>
    (disposition & AV_DISPOSITION_DEFAULT) !== 0;
  return streams.find(isDefault) ?? streams[0];
}

function soundStreams(format: FormatContext): readonly Stream[] {
  return format.streams.filter(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_AUDIO);
}

/** How many tracks of sound there are, and FFmpeg's name of the codec of the one that is read. */
export function soundFacts(format: FormatContext) {
  const sound = soundStream(format);
  const soundCodec = sound && (avGetCodecName(sound.codecpar.codecId) ?? 'unknown');
  return { sounds: soundStreams(format).length, soundCodec };
}

const complaints = new Complaints();

/** Keeps what FFmpeg says from now on, instead of printing it. Once a process. */
export function listenToFfmpeg(): void {
  Log.setLevel(AV_LOG_WARNING);
  Log.setCallback((level, message) => {
    if (level <= AV_LOG_WARNING) complaints.add(message);
  });
}

/** What FFmpeg has said since the last call. It arrives by the event loop, so a turn is waited for. */
export async function takeComplaints(): Promise<readonly string[]> {
  await new Promise((resolve) => setTimeout(resolve, 10));
  return complaints.take();
}
