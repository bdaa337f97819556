// What the media code takes and gives, in the words of its callers. Plain data: it crosses to the child process
// as it is.

import type { MovieFormat } from '../../common/outputs/output-formats.ts';
import type { ResizePolicy } from '../../common/stages.ts';
import type { VideoKind } from './sources/sniff.ts';

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** One picture: row-major RGB, 8 bits a value, `height * width * channels` bytes. */
export interface RgbImage extends FrameSize {
  readonly rgb: Uint8Array;
  /** 4: straight alpha comes last. @default 3 */
  readonly channels?: 3 | 4;
}

/** RGB, or RGBA with straight alpha, row-major, 8 bits a value. */
export interface Picture extends FrameSize {
  readonly channels: 3 | 4;
  readonly pixels: Uint8Array;
}

/** What a source is, as `probe` finds it by reading it whole (without decoding it). */
export interface VideoFacts extends FrameSize {
  /** By content, never by the file's name. */
  readonly container: VideoKind | 'image' | 'animated-image' | 'image-folder';
  /** As in a MIME type (`avc1.64001F`), else FFmpeg's name of the codec, or the picture format (`png`). */
  readonly codec: string;
  /** Exact count of frames shown. */
  readonly frames: number;
  /** Degrees clockwise that decoding applies, after a mirror from left to right if any; width and height are after it. */
  readonly rotation: 0 | 90 | 180 | 270;
  readonly mirrored: boolean;
  /** As the file keeps them: not turned, cropped or stretched. */
  readonly stored: FrameSize;
  /** How wide a stored pixel is shown, over how high. */
  readonly pixelAspect: number;
  /** FFmpeg's name (`yuv420p`), or libvips' of a picture (`srgb`). */
  readonly pixelFormat: string;
  readonly alpha: boolean;
  readonly interlaced: boolean;
  /** Undefined for pictures: what their profile says is applied. */
  readonly colour?: ColourFacts;
  /** Tracks of sound. */
  readonly sounds: number;
  /** The one that can be kept; absent where there is none. */
  readonly sound?: SoundFacts;
  /** Of a folder, and only where `probe` was asked for it. */
  readonly pictures?: PictureSurvey;
  readonly durationSeconds: number;
  /** What the container says where its times agree, else frames over duration: the mean where the rate varies. 0 for pictures, which have no rate. */
  readonly framesPerSecond: number;
  readonly variableFrameRate: boolean;
}

/** The track of sound that a player would play: the one marked as default, else the first. */
export interface SoundFacts {
  /** FFmpeg's name of its codec. */
  readonly codec: string;
  /** When the first frame is shown, by the clock that the sound goes by. */
  readonly firstFrameSeconds: number;
  /** Of the frames, if each comes when this rate says: whatever is written at it stays with the sound. Absent if not. */
  readonly steadyRate?: number;
}

/** What is in a folder of pictures, as their headers tell it. */
export interface PictureSurvey {
  /** Names in the order in which they are frames. */
  readonly first: string;
  readonly last: string;
  readonly withAlpha: number;
  /** As shown. The most frequent first. */
  readonly sizes: readonly (FrameSize & { readonly count: number })[];
}

/** In ffprobe's words; `unknown` where the file does not say. */
export interface ColourFacts {
  readonly range: string;
  readonly matrix: string;
  readonly primaries: string;
  readonly transfer: string;
  /** What it is taken for where it says nothing. */
  readonly taken: { readonly range: string; readonly matrix: string };
  /**
   * - `matrix`: brought to RGB; primaries and transfer are near enough to sRGB's
   * - `wide-gamut`: primaries brought to BT.709's too
   * - `tone-map`: PQ or HLG, bent into what a screen shows
   */
  readonly treatment: 'matrix' | 'wide-gamut' | 'tone-map';
}

export interface DecodeRequest {
  readonly path: string;
  /** In display order, from 0; ascending, no repeats. */
  readonly indices: readonly number[];
  readonly size: FrameSize;
  /** `stretch`: to the size, whatever the shape (the paper's way). `cover`: cut at the edges. `contain`: black bars. */
  readonly resize: ResizePolicy;
  /** Alpha, where the source has any, stays beside the colours. @default false, it is laid over black */
  readonly keepAlpha?: boolean;
  /** How the indices came about ("8 frames, stride 4"), for the message when there are too few frames. */
  readonly askedAs?: string;
}

export interface DecodedFrame {
  readonly index: number;
  /** `[height, width, channels]` of the size asked for. */
  readonly rgb: Uint8Array;
  /** 4: straight alpha comes last. Only where it was to be kept, and the picture has any. */
  readonly channels: 3 | 4;
}

export interface EncodeRequest extends FrameSize {
  /** Must not exist. It appears when it is complete. */
  readonly path: string;
  /** What errors call the file, where it will lie elsewhere. @default the path */
  readonly calledAs?: string;
  readonly format: MovieFormat;
  /** A whole number, or any other up to 240, kept to the thousandth; 24000/1001 and its like are kept exact. */
  readonly framesPerSecond: number;
  /** Of every frame. 4, RGBA with straight alpha, only for formats that keep alpha. @default 3 */
  readonly channels?: 3 | 4;
  /**
   * The file can be played while it is written: an MP4 in fragments, under its own name from the beginning; it stays if writing fails. Only of
   * format `mp4`. @default it appears when it is complete
   */
  readonly growing?: boolean;
  /** Sound of another file goes with the frames. Only for formats that can carry its codec. @default the file has none */
  readonly sound?: KeptSound;
}

/** Which part of a file's sound goes with some frames. */
export interface KeptSound {
  readonly path: string;
  /** By the file's clock, when the first of the frames is shown. */
  readonly fromSeconds: number;
  /** For how long they are shown. */
  readonly seconds: number;
}

export interface EncodedFacts extends FrameSize {
  readonly frames: number;
  readonly bytes: number;
}
