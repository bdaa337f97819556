// The sound of one file for another, packet by packet as it is: nothing is decoded, nothing is coded. Only the packets that sound while the
// frames are shown are taken, and the one before them, which decoders want in order to begin well.

import { AV_CODEC_ID_OPUS, AV_NOPTS_VALUE, AV_PKT_FLAG_DISCARD } from 'node-av/constants';
import type { CodecParameters, IRational, Packet } from 'node-av/lib';

import type { KeptSound } from '../media-types.ts';
import { sniffFile, isPictureKind } from '../sources/sniff.ts';
import { openInput, type Input } from './open-input.ts';
import { packetsOf } from './packet-index.ts';

/** Finer than that of any file: some clocks tick once a packet, and the first frame lies between. */
const TICKS = 1_000_000;
export const SOUND_CLOCK: IRational = { num: 1, den: TICKS };

/** Encoders' own silence before the first sample takes no more packets than this. */
const PRIMING_MAX = 8;

/** Take `next` and `advance` in turn, then dispose. Memory does not grow with the length. */
export class SoundTrack implements Disposable {
  readonly #input: Input;
  readonly #packets: Generator<Packet, void>;
  #next: Packet | undefined;

  /** Undefined where nothing sounds while the frames are shown. @throws invalid-argument — as `openInput` */
  static async open(sound: KeptSound): Promise<SoundTrack | undefined> {
    const kind = await sniffFile(sound.path);
    if (kind === 'unknown' || isPictureKind(kind)) return undefined;
    const input = openInput(sound.path, kind, 'sound');
    const track = input.stream === undefined ? undefined : new SoundTrack(input, sound);
    if (track?.next !== undefined) return track;
    track?.[Symbol.dispose]();
    if (track === undefined) input[Symbol.dispose]();
    return undefined;
  }

  private constructor(input: Input, sound: KeptSound) {
    this.#input = input;
    this.#packets = keptPackets(input, sound);
    this.advance();
  }

  /** Its times count from the first frame, in `SOUND_CLOCK`; what begins before that is below 0. It is the track's until `advance`. */
  get next(): Packet | undefined {
    return this.#next;
  }

  /** When that one begins, in seconds. */
  get nextSeconds(): number {
    return this.#next === undefined ? Infinity : Number(this.#next.pts) / TICKS;
  }

  advance(): void {
    this.#next = this.#packets.next().value ?? undefined;
  }

  /** What the other file's track has to say of it. `hasEdits`: that file can cut off what begins before the first frame. */
  describe(target: CodecParameters, hasEdits: boolean): number {
    const { codecpar } = this.#input.stream!;
    const code = codecpar.copy(target);
    // Of the other container's own choice.
    target.codecTag = 0;
    if (hasEdits) return code;
    const padding = paddingOf(codecpar);
    if (padding !== undefined) {
      target.initialPadding = padding;
      // Matroska's Opus has this delay and no other: what would need more is left out.
      while (this.nextSeconds < -(padding + 0.5) / OPUS_RATE) this.advance();
    } else {
      const seconds = Math.max(0, -this.nextSeconds);
      target.initialPadding = Math.round(seconds * codecpar.sampleRate);
    }
    return code;
  }

  [Symbol.dispose](): void {
    this.#packets.return();
    this.#input[Symbol.dispose]();
  }
}

const OPUS_RATE = 48_000;

/** Of Opus, which says in its header how many samples go before the first; undefined for others. */
function paddingOf({ codecId, extradata }: CodecParameters): number | undefined {
  if (codecId !== AV_CODEC_ID_OPUS) return undefined;
  return extradata !== null && extradata.length >= 12 ? extradata.readUInt16LE(10) : 0;
}

/** Each is the caller's until it asks for the next. */
function* keptPackets(input: Input, { fromSeconds, seconds }: KeptSound): Generator<Packet, void> {
  const { num, den } = input.stream!.timeBase;
  const ticksOf = (own: bigint): number => Math.round((Number(own) * num * TICKS) / den);
  const first = Math.round(fromSeconds * TICKS);
  const end = Math.round((fromSeconds + seconds) * TICKS);
  using before = new Before();
  let ended = 0;
  for (const packet of packetsOf(input)) {
    const duration = ticksOf(packet.duration);
    const begin = packet.pts === AV_NOPTS_VALUE ? ended : ticksOf(packet.pts);
    ended = begin + duration;
    if (begin >= end) return;
    const isPriming = packet.hasFlags(AV_PKT_FLAG_DISCARD);
    packet.clearFlags(AV_PKT_FLAG_DISCARD);
    packet.pts = BigInt(begin - first);
    packet.dts = packet.pts;
    packet.duration = BigInt(Math.min(duration, end - begin));
    packet.pos = -1n;
    if (ended <= first) {
      before.add(packet, isPriming);
      continue;
    }
    yield* before.take(packet);
    yield packet;
  }
}

/** Two ticks of a clock of milliseconds. */
const COARSE_TICKS = 2_000n;

/** The packets before the first that sounds with the frames: one, and what the container says is only there to begin with. */
class Before implements Disposable {
  readonly #packets: Packet[] = [];

  add(packet: Packet, isPriming: boolean): void {
    if (!isPriming || this.#packets.length >= PRIMING_MAX) this[Symbol.dispose]();
    const copy = packet.clone();
    if (copy !== null) this.#packets.push(copy);
  }

  /** Those that go over into this one without a gap. */
  *take(next: Packet): Generator<Packet, void> {
    let { pts } = next;
    const joined = this.#packets.findLastIndex((packet) => {
      const isJoined = packet.pts + packet.duration + COARSE_TICKS >= pts;
      pts = packet.pts;
      return !isJoined;
    });
    yield* this.#packets.slice(joined + 1);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const packet of this.#packets.splice(0)) packet.free();
  }
}
