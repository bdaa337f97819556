// Decodes chosen frames of a video file, by their place in the order in which they are shown. A frame's pixels do not depend on where
// decoding began: it begins at a packet marked as a key, and if FFmpeg does not give the frame from there on, at an earlier one.

import { BivdiffError } from '../../../common/errors.ts';
import { frameRateOf } from '../../../common/outputs/frame-rate.ts';
import { colourFacts } from '../ffmpeg/colour.ts';
import { takeComplaints } from '../ffmpeg/open-input.ts';
import { corruptError } from '../media-errors.ts';
import type { Picture, SoundFacts, VideoFacts } from '../media-types.ts';
import { beginnings, goesOn } from './frame-order.ts';
import { PictureStream } from './picture-stream.ts';
import type { VideoKind } from './sniff.ts';
import { indexVideo, inFfmpegsWords, type VideoIndex } from './video-index.ts';

/** A video file that was looked at. Its decoder stays where it was between calls, so that batches in turn cost no more than one call. */
export class VideoSource implements Disposable {
  readonly path: string;
  readonly kind: VideoKind;
  readonly index: VideoIndex;
  #stream: PictureStream | undefined;

  /** @throws invalid-argument — as `indexVideo` */
  static async open(path: string, kind: VideoKind): Promise<VideoSource> {
    return new VideoSource(path, kind, await indexVideo(path, kind));
  }

  private constructor(path: string, kind: VideoKind, index: VideoIndex) {
    this.path = path;
    this.kind = kind;
    this.index = index;
  }

  /** Lets go of the decoder; the next call opens another. */
  [Symbol.dispose](): void {
    this.#stream?.[Symbol.dispose]();
    this.#stream = undefined;
  }

  /**
   * The frames at `indices` (ascending), upright, cropped, of the size that the file keeps (pixels not stretched).
   * @throws invalid-argument — one of them cannot be decoded
   */
  async *decode(
    indices: readonly number[],
    signal?: AbortSignal,
  ): AsyncGenerator<{ readonly index: number; readonly picture: Picture }> {
    for (const index of indices) {
      if (signal?.aborted) throw new BivdiffError('cancelled', 'decoding: cancelled');
      const picture = this.#pictureOf(index);
      if (picture === undefined) {
        throw corruptError(this.path, index, inFfmpegsWords(await takeComplaints()));
      }
      yield { index, picture };
    }
  }

  #pictureOf(frame: number): Picture | undefined {
    if (this.#stream !== undefined && goesOn(this.index, this.#stream.position, frame)) {
      const picture = this.#stream.pictureOf(frame);
      if (picture !== undefined) return picture;
    }
    for (const key of beginnings(this.index, frame)) {
      this[Symbol.dispose]();
      this.#stream = new PictureStream(this, key);
      const picture = this.#stream.pictureOf(frame);
      if (picture !== undefined) return picture;
    }
    return undefined;
  }
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
    ...soundOf(index),
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

/** Where times lie as close to a stated rate as their clock can say it. */
function rateOf({ statedRate, frames, secondsPerTick }: VideoIndex, spanSeconds: number): number {
  if (spanSeconds <= 0) return 0;
  const stated = (frames - 1) / statedRate;
  const agrees = Math.abs(stated - spanSeconds) <= 2 * secondsPerTick;
  // Between first and last frame: the last one's duration is a guess in some containers.
  return Number((agrees ? statedRate : (frames - 1) / spanSeconds).toFixed(3));
}

/** What a frame may be away from its time before it shows: a container's clock may be as coarse as 1 ms. */
const OFF_SECONDS = 0.0025;

function soundOf(index: VideoIndex): { readonly sound?: SoundFacts } {
  const { soundCodec: codec, shown, secondsPerTick } = index;
  if (codec === undefined) return {};
  const firstFrameSeconds = (shown?.[0] ?? 0) * secondsPerTick;
  const rate = timing(index).framesPerSecond;
  const { numerator, denominator } = frameRateOf(rate);
  const isSteady = shown?.every(
    (pts, frame) =>
      Math.abs(pts * secondsPerTick - firstFrameSeconds - (frame * denominator) / numerator) <=
      OFF_SECONDS,
  );
  const steady = rate > 0 && isSteady === true ? { steadyRate: rate } : {};
  return { sound: { codec, firstFrameSeconds, ...steady } };
}

function timing(index: VideoIndex) {
  const { shown, secondsPerTick, lastDuration } = index;
  if (shown === undefined) {
    return { durationSeconds: 0, framesPerSecond: 0, variableFrameRate: false };
  }
  const spanSeconds = (shown.at(-1)! - shown[0]!) * secondsPerTick;
  const gaps = shown.slice(1).map((pts, i) => (pts - shown[i]!) * secondsPerTick);
  const longest = gaps.reduce((a, b) => Math.max(a, b), 0);
  const shortest = gaps.reduce((a, b) => Math.min(a, b), Infinity);
  return {
    durationSeconds: spanSeconds + lastDuration * secondsPerTick,
    framesPerSecond: rateOf(index, spanSeconds),
    // Two gaps of one length may differ by two ticks of a coarse clock.
    variableFrameRate: gaps.length > 0 && longest - shortest > OFF_SECONDS,
  };
}
