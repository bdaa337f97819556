// An encoder and the file that it fills, by FFmpeg's libraries. Knows nothing of temporary names or of what frames show.

import {
  AV_CODEC_FLAG_BITEXACT,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_LOG_ERROR,
  AVFMT_FLAG_BITEXACT,
  AVFMT_GLOBALHEADER,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
} from 'node-av/constants';
import {
  avGetPixFmtFromName,
  Codec,
  CodecContext,
  FormatContext,
  Log,
  Packet,
  Rational,
  type Frame,
  type Stream,
} from 'node-av/lib';
import { BivdiffError } from '../../../common/errors.ts';
import type { FrameRate } from '../../../common/outputs/frame-rate.ts';
import type { FrameSize } from '../media-types.ts';
import { checked, gotOne, written } from './checked.ts';
import { tagColours } from './colour-tags.ts';
import { pixelFormatOf, type OutputCodec } from './output-codecs.ts';
import { SOUND_CLOCK, type SoundTrack } from './sound-track.ts';

/** Key frames come this often, so that a player can jump and a reader needs not decode much for one frame. */
const KEY_INTERVAL_SECONDS = 2;

export interface VideoFileOptions extends FrameSize {
  /** Absolute. An existing file is replaced. */
  readonly path: string;
  readonly codec: OutputCodec;
  readonly alpha: boolean;
  readonly rate: FrameRate;
  /** Each frame ends a fragment. @default false */
  readonly inFragments?: boolean;
  /** Goes with the frames. The caller disposes of it, after the file. */
  readonly sound?: SoundTrack | undefined;
}

/** Add frames in order, finish, dispose. Without `finish` the file is not complete. @throws as `written` */
export class VideoFile implements AsyncDisposable {
  readonly #encoder = new CodecContext();
  readonly #container = new FormatContext();
  readonly #packet = new Packet();
  readonly #stream: Stream;
  readonly #sound: { readonly track: SoundTrack; readonly stream: Stream } | undefined;
  readonly #encoderTime: Rational;
  readonly #inFragments: boolean;

  private constructor(options: VideoFileOptions) {
    const { path, codec, alpha, rate, width, height, sound, inFragments = false } = options;
    this.#inFragments = inFragments;
    const encoder = Codec.findEncoderByName(codec.encoder);
    if (encoder === null) {
      throw new BivdiffError('internal', `this build of FFmpeg has no encoder ${codec.encoder}`);
    }
    this.#encoderTime = new Rational(rate.denominator, rate.numerator);
    this.#packet.alloc();
    const context = this.#encoder;
    context.allocContext3(encoder);
    context.width = width;
    context.height = height;
    context.pixelFormat = avGetPixFmtFromName(pixelFormatOf(codec, alpha));
    context.sampleAspectRatio = new Rational(1, 1);
    context.timeBase = this.#encoderTime;
    context.framerate = new Rational(rate.numerator, rate.denominator);
    context.gopSize = keyInterval(rate, codec);
    context.threadCount = codec.threads;
    tagColours(context, codec);
    context.setFlags(AV_CODEC_FLAG_BITEXACT);
    // `file:` keeps a name such as `http:a.mp4` a name.
    checked(
      this.#container.allocOutputContext2(null, codec.container, `file:${path}`),
      'setting up the container',
    );
    this.#container.setFlags(AVFMT_FLAG_BITEXACT);
    if (this.#container.oformat?.hasFlags(AVFMT_GLOBALHEADER) === true) {
      context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    }
    this.#stream = this.#container.newStream();
    this.#sound = sound && { track: sound, stream: this.#container.newStream() };
  }

  static async create(options: VideoFileOptions): Promise<VideoFile> {
    // Encoders tell of their settings at each start; what is left of a child's words are wanted of its death.
    Log.setLevel(AV_LOG_ERROR);
    const file = new VideoFile(options);
    try {
      await file.#open(options);
      return file;
    } catch (reason) {
      await file[Symbol.asyncDispose]();
      throw reason;
    }
  }

  async add(frame: Frame): Promise<void> {
    checked(await this.#encoder.sendFrame(frame), 'encoding a frame');
    await this.#writePackets();
  }

  async finish(): Promise<void> {
    checked(await this.#encoder.sendFrame(null), 'ending the video');
    await this.#writePackets();
    await this.#writeSound(Infinity);
    written(await this.#container.writeTrailer(), 'writing the index');
    await this.#container.closeOutput();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#packet.free();
    this.#encoder.freeContext();
    await this.#container[Symbol.asyncDispose]();
  }

  async #open({ codec, rate }: VideoFileOptions): Promise<void> {
    setOptions(this.#encoder, codec.options);
    checked(await this.#encoder.open2(), `opening the encoder ${codec.encoder}`);
    checked(this.#stream.codecpar.fromContext(this.#encoder), 'describing the video');
    if (codec.tag !== undefined) this.#stream.codecpar.codecTag = codec.tag;
    this.#stream.timeBase = this.#encoderTime;
    this.#stream.avgFrameRate = new Rational(rate.numerator, rate.denominator);
    if (this.#sound !== undefined) describeSound(this.#sound, codec);
    setOptions(this.#container, codec.containerOptions);
    written(await this.#container.openOutput(), 'opening the file');
    written(await this.#container.writeHeader(), 'beginning the file');
  }

  async #writePackets(): Promise<void> {
    const packet = this.#packet;
    while (gotOne(await this.#encoder.receivePacket(packet), 'encoding a frame')) {
      packet.streamIndex = 0;
      packet.duration = 1n;
      await this.#writeSound(this.#secondsOf(packet));
      packet.rescaleTs(this.#encoderTime, this.#stream.timeBase);
      written(await this.#container.interleavedWriteFrame(packet), 'writing the file');
      packet.unref();
      if (this.#inFragments) {
        written(await this.#container.writeFrame(null), 'ending a fragment');
      }
    }
  }

  #secondsOf({ pts }: Packet): number {
    return (Number(pts) * this.#encoderTime.num) / this.#encoderTime.den;
  }

  /** As far as the frames have come, so that no more than a frame's worth waits for its turn in the file. */
  async #writeSound(untilSeconds: number): Promise<void> {
    if (this.#sound === undefined) return;
    const { track, stream } = this.#sound;
    while (track.next !== undefined && track.nextSeconds <= untilSeconds) {
      const packet = track.next;
      packet.streamIndex = stream.index;
      packet.rescaleTs(SOUND_CLOCK, stream.timeBase);
      written(await this.#container.interleavedWriteFrame(packet), 'writing the sound');
      track.advance();
    }
  }
}

/** MP4 and MOV have edit lists. */
function describeSound(
  { track, stream }: { readonly track: SoundTrack; readonly stream: Stream },
  { container }: OutputCodec,
): void {
  const hasEdits = container === 'mp4' || container === 'mov';
  checked(track.describe(stream.codecpar, hasEdits), 'describing the sound');
  stream.timeBase = new Rational(1, stream.codecpar.sampleRate);
}

function keyInterval(
  { numerator, denominator }: FrameRate,
  { keyIntervalMin = 1 }: OutputCodec,
): number {
  return Math.max(keyIntervalMin, Math.round((numerator / denominator) * KEY_INTERVAL_SECONDS));
}

/** One by one, since a list given at opening may hold misspelt ones, which are ignored in silence. */
function setOptions(
  owner: CodecContext | FormatContext,
  options: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(options)) {
    checked(
      owner.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN),
      `setting ${name}=${value}`,
    );
  }
}
