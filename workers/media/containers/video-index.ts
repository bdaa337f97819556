// Reads a video file's packets, without decoding, into the order in which their frames are shown. What says
// how many frames there are, and from which packet decoding has to start for a given one.

import { MkvDemuxer, Mp4Demuxer, type EncodedVideoChunk } from '@napi-rs/webcodecs';
import { BivdiffError } from '../../../common/errors.ts';
import {
  noFramesError,
  notMediaError,
  tooLargeError,
  unsupportedCodecError,
} from '../media-errors.ts';

export type Demuxer = Mp4Demuxer | MkvDemuxer;

interface PacketFacts {
  /** As the demuxer tells it; chunks are recognised by it. */
  readonly timestampUs: number;
  readonly durationUs: number;
  /** Decoding can start here. */
  readonly key: boolean;
}

export interface VideoIndex {
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  /** One per shown frame, in display order. */
  readonly shown: readonly PacketFacts[];
  /** From the first frame's begin to the last one's end. */
  readonly durationUs: number;
  /** The mean; 0 for a single frame. */
  readonly framesPerSecond: number;
  /** Whether the gaps between frames differ by more than a tick's rounding. */
  readonly variableFrameRate: boolean;
}

/** @throws invalid-argument — not that container, no video in it, or a codec that cannot be read */
export async function openDemuxer(path: string, container: 'mp4' | 'matroska'): Promise<Demuxer> {
  let failure: Error | undefined;
  const init = { error: (error: Error) => (failure ??= error) };
  const demuxer = container === 'mp4' ? new Mp4Demuxer(init) : new MkvDemuxer(init);
  try {
    await demuxer.load(path);
  } catch (cause) {
    throw notMediaError(path, failure ?? cause);
  }
  const config = demuxer.videoDecoderConfig;
  if (config === null) {
    demuxer.close();
    throw noFramesError(path);
  }
  return demuxer;
}

/** Every video chunk from where the demuxer stands. Closes nothing. */
export async function* videoChunks(demuxer: Demuxer): AsyncGenerator<EncodedVideoChunk> {
  for await (const chunk of demuxer) {
    if (chunk.videoChunk !== undefined) yield chunk.videoChunk;
  }
}

/** A decoder holds up to some 20 pictures at once: 8192 squared takes 2 GB. */
const PIXELS_MAX = 8192 * 8192;
const CODECS = /^(avc[13]|hev1|hvc1|vp8|vp09|vp9|av01|av1)/;

/** Reads all packets once. @throws cancelled @throws invalid-argument */
export async function indexVideo(
  path: string,
  container: 'mp4' | 'matroska',
  signal?: AbortSignal,
): Promise<VideoIndex> {
  const demuxer = await openDemuxer(path, container);
  try {
    const { codec, codedWidth, codedHeight } = demuxer.videoDecoderConfig!;
    if (!CODECS.test(codec)) throw unsupportedCodecError(path, codecName(codec));
    if (codedWidth * codedHeight > PIXELS_MAX) throw tooLargeError(path, codedWidth, codedHeight);
    const shown: PacketFacts[] = [];
    for await (const chunk of videoChunks(demuxer)) {
      if (signal?.aborted) throw new BivdiffError('cancelled', `reading ${path}: cancelled`);
      if (isHidden(codec, chunk)) continue;
      shown.push({
        timestampUs: chunk.timestamp,
        durationUs: chunk.duration ?? 0,
        key: chunk.type === 'key',
      });
    }
    const first = shown[0];
    if (first === undefined) throw noFramesError(path);
    shown.sort((a, b) => a.timestampUs - b.timestampUs);
    const facts = { codec, width: codedWidth, height: codedHeight, shown };
    return { ...facts, ...timingOf(shown) };
  } finally {
    demuxer.close();
  }
}

function codecName(codec: string): string {
  return codec === '' || codec === 'none' ? 'neither H.264, H.265, VP8, VP9 nor AV1' : codec;
}

/** VP8 keeps frames that are only referred to in packets of their own (RFC 6386, 9.1: bit 4 is show_frame). */
function isHidden(codec: string, chunk: EncodedVideoChunk): boolean {
  if (codec !== 'vp8' || chunk.byteLength === 0) return false;
  const bytes = new Uint8Array(chunk.byteLength);
  chunk.copyTo(bytes);
  return (bytes[0]! & 0x10) === 0;
}

function timingOf(shown: readonly PacketFacts[]) {
  const first = shown[0]!;
  const last = shown.at(-1)!;
  const gaps = shown.slice(1).map((packet, i) => packet.timestampUs - shown[i]!.timestampUs);
  const shortest = gaps.reduce((a, b) => Math.min(a, b), Infinity);
  const longest = gaps.reduce((a, b) => Math.max(a, b), 0);
  const spanUs = last.timestampUs - first.timestampUs;
  return {
    durationUs: spanUs + last.durationUs,
    // Between first and last frame: the last one's duration is a guess in some containers.
    framesPerSecond: spanUs > 0 ? ((shown.length - 1) * 1e6) / spanUs : 0,
    // A container's clock may be as coarse as 1 ms, so two gaps of one length may differ by two ticks.
    variableFrameRate: gaps.length > 0 && longest - shortest > 2_500,
  };
}
