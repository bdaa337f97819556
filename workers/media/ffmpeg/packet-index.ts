// Reads a video stream's packets, without decoding, into the order in which their frames are shown: what says how many frames there
// are, and from which packets decoding may begin for a given one.

import { AV_NOPTS_VALUE, AV_PKT_FLAG_CORRUPT, AV_PKT_FLAG_DISCARD } from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';

import { gotOne } from './checked.ts';
import type { Input } from './open-input.ts';

/** A packet that is marked as one where decoding may begin. Times are in the stream's ticks. */
export interface KeyPacket {
  readonly pts: number;
  readonly dts: number;
}

export interface PacketIndex {
  /** When each frame is shown, ascending; in ticks. */
  readonly shown: readonly number[];
  /** In the order of the file. Those of frames that are not shown (before an edit list's begin) are among them. */
  readonly keys: readonly KeyPacket[];
  /** How long the last frame is shown, in ticks; 0 where the file does not say. */
  readonly lastDuration: number;
  /** Whether packets tell their frames: each has a time of its own. Else only decoding does. */
  readonly telling: boolean;
  /** Times of packets that the file has only a part of. */
  readonly cut: ReadonlySet<number>;
  readonly packets: number;
  /** How many the header says that there are; 0 where it does not. */
  readonly declared: number;
  /** Where the last packet's data ends in the file; 0 where that is not known. */
  readonly dataEnd: number;
}

/** Reads to the end of the file. @throws internal — FFmpeg failed for another reason than the end */
export function readPackets(input: Input): PacketIndex {
  const { stream } = input;
  const shown: number[] = [];
  const keys: KeyPacket[] = [];
  const durations = new Map<number, number>();
  let telling = true;
  const cut = new Set<number>();
  let [packets, dataEnd] = [0, 0];
  for (const packet of packetsOf(input)) {
    if (packet.pts === AV_NOPTS_VALUE) telling = false;
    const [pts, dts] = [Number(packet.pts), Number(packet.dts)];
    packets++;
    dataEnd = Math.max(0, Number(packet.pos) + packet.size);
    if (packet.isKeyframe) keys.push({ pts, dts });
    if ((packet.flags & AV_PKT_FLAG_CORRUPT) !== 0) cut.add(pts);
    else if ((packet.flags & AV_PKT_FLAG_DISCARD) === 0) {
      shown.push(pts);
      durations.set(pts, Number(packet.duration));
    }
  }
  shown.sort((a, b) => a - b);
  if (durations.size !== shown.length) telling = false;
  const lastDuration = durations.get(shown.at(-1) ?? 0) ?? 0;
  const counts = { packets, declared: declaredFrames(stream), dataEnd };
  return { shown, keys, lastDuration, telling: telling && stream !== undefined, cut, ...counts };
}

/** Of containers whose clock ticks once a frame the duration is a count too. */
function declaredFrames(stream: Stream | undefined): number {
  if (stream === undefined) return 0;
  const { nbFrames, duration, timeBase, avgFrameRate } = stream;
  if (nbFrames > 0n) return Number(nbFrames);
  const isTicked = timeBase.num * avgFrameRate.num === timeBase.den * avgFrameRate.den;
  return isTicked && duration !== AV_NOPTS_VALUE ? Number(duration) : 0;
}

/** Every packet of the stream from where the file stands. One packet is reused: it is the caller's until it asks for the next. */
export function* packetsOf({ format, stream }: Input): Generator<Packet> {
  using packet = new Packet();
  packet.alloc();
  while (gotOne(format.readFrameSync(packet), 'reading a packet')) {
    if (packet.streamIndex === stream?.index) yield packet;
    packet.unref();
  }
}
