// Decodes frames of a video stream one after the other, from a packet on. A frame is known by its time, which FFmpeg hands through from
// the packet.

import { availableParallelism } from 'node:os';
import {
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_FRAME_FLAG_CORRUPT,
  AV_NOPTS_VALUE,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVSEEK_FLAG_BACKWARD,
  FF_DECODER_LIBVPX_VP8,
  FF_DECODER_LIBVPX_VP9,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, type Packet, type Stream } from 'node-av/lib';

import { checked } from './checked.ts';
import { openInput, type Input } from './open-input.ts';
import { packetsOf, type KeyPacket } from './packet-index.ts';
import type { VideoKind } from '../sources/sniff.ts';

/** Codecs of more threads hold more pictures at once. */
const THREADS_MAX = 8;

/** Undefined: this FFmpeg has no decoder for the stream. */
export function decoderOf(stream: Stream): Codec | undefined {
  const { codecId } = stream.codecpar;
  // FFmpeg's own VP8 and VP9 decoders leave alpha out; libvpx's do not.
  const alpha = ['alpha_mode', 'ALPHA_MODE'].some((key) => stream.metadata?.get(key) === '1');
  const withAlpha =
    codecId === AV_CODEC_ID_VP8
      ? FF_DECODER_LIBVPX_VP8
      : codecId === AV_CODEC_ID_VP9
        ? FF_DECODER_LIBVPX_VP9
        : undefined;
  const named = alpha && withAlpha !== undefined ? Codec.findDecoderByName(withAlpha) : null;
  return named ?? Codec.findDecoder(codecId) ?? undefined;
}

/** One frame and when it is shown, in ticks; undefined where the file does not tell. The caller frees the frame. */
export interface TimedFrame {
  readonly frame: Frame;
  readonly pts: number | undefined;
}

/** Whether the decoder had all that the picture is made of: what it guessed instead is not the file's. */
export function isWhole(frame: Frame): boolean {
  return frame.decodeErrorFlags === 0 && (frame.flags & AV_FRAME_FLAG_CORRUPT) === 0;
}

/** Where decoding begins: at this very packet, or at the first of the file (that is marked as a key). */
export type Beginning = KeyPacket | 'first-key' | 'first-packet';

/** Some decoders make something up of what comes before the first key packet. */
export function firstBeginning(keys: readonly KeyPacket[]): Beginning {
  return keys.length > 0 ? 'first-key' : 'first-packet';
}

/**
 * Every frame from there on, in the order in which they are shown. What cannot be decoded
 * is left out: files cut out of others begin with such packets. Who misses a frame says so.
 */
export function* decodeFrom(path: string, kind: VideoKind, from: Beginning): Generator<TimedFrame> {
  using input = openInput(path, kind);
  const stream = input.stream!;
  using decoder = openDecoder(stream);
  for (const packet of packetsFrom(input, path, kind, from)) {
    yield* framesOf(decoder, packet);
  }
  yield* framesOf(decoder, null);
}

function openDecoder(stream: Stream): CodecContext {
  const codec = decoderOf(stream)!;
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  checked(decoder.parametersToContext(stream.codecpar), 'preparing the decoder');
  decoder.pktTimebase = stream.timeBase;
  decoder.threadCount = Math.min(THREADS_MAX, availableParallelism());
  checked(decoder.open2Sync(codec, null), 'opening the decoder');
  return decoder;
}

/** From the very packet on; where seeking lands elsewhere, the file is read from its beginning. */
function* packetsFrom(
  input: Input,
  path: string,
  kind: VideoKind,
  from: Beginning,
): Generator<Packet> {
  if (from === 'first-key' || from === 'first-packet') {
    let begun = from === 'first-packet';
    for (const packet of packetsOf(input)) {
      begun ||= packet.isKeyframe;
      if (begun) yield packet;
    }
    return;
  }
  const { format, stream } = input;
  const sought = format.seekFrameSync(stream!.index, BigInt(from.dts), AVSEEK_FLAG_BACKWARD) >= 0;
  let found = false;
  if (sought) {
    for (const packet of packetsOf(input)) {
      found ||= isPacket(packet, from);
      if (found) yield packet;
      else if (Number(packet.dts) > from.dts) break;
    }
  }
  if (found) return;
  using again = openInput(path, kind);
  for (const packet of packetsOf(again)) {
    found ||= isPacket(packet, from);
    if (found) yield packet;
  }
}

function isPacket(packet: Packet, { pts, dts }: KeyPacket): boolean {
  return Number(packet.pts) === pts && Number(packet.dts) === dts;
}

/** A decoder has at most a packet for each of its threads under way; one that fails so often at once will not end. */
const FAILURES_MAX = 100;

/** Frames that come out when this packet goes in; with none, those that are left. */
function* framesOf(decoder: CodecContext, packet: Packet | null): Generator<TimedFrame> {
  let failures = 0;
  for (;;) {
    const sent = decoder.sendPacketSync(packet);
    for (;;) {
      const frame = new Frame();
      frame.alloc();
      const received = decoder.receiveFrameSync(frame);
      if (received < 0) frame.free();
      if (received === AVERROR_EAGAIN || received === AVERROR_EOF) break;
      // A packet that could not be decoded: FFmpeg has said so to whoever listens. Those behind it may well be sound.
      if (received < 0) {
        if (++failures >= FAILURES_MAX) break;
        continue;
      }
      failures = 0;
      const { pts } = frame;
      yield { frame, pts: pts === AV_NOPTS_VALUE ? undefined : Number(pts) };
    }
    // Full: what was in it has been taken out, so the packet goes in now.
    if (sent !== AVERROR_EAGAIN) return;
  }
}
