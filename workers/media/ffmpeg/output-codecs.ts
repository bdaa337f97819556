// How each video format is written: the one table of encoders, their settings and their tags. The words that users type are in
// common/outputs/output-formats.ts, what each format can hold in common/outputs/output-limits.ts.

import {
  FF_ENCODER_FFV1,
  FF_ENCODER_LIBSVTAV1,
  FF_ENCODER_LIBVPX_VP9,
  FF_ENCODER_LIBX264,
  FF_ENCODER_LIBX265,
  FF_ENCODER_PRORES_KS,
  type FFEncoderCodec,
} from 'node-av/constants';
import { BivdiffError } from '../../../common/errors.ts';
import type { MovieFormat } from '../../../common/outputs/output-formats.ts';

/** What FFmpeg writes; a GIF is libvips' work. */
export type CodecFormat = Exclude<MovieFormat, 'gif'>;

/** Written into the stream and into the container. Names are FFmpeg's. */
export interface ColourTags {
  readonly primaries: 'bt709';
  readonly transfer: 'bt709' | 'iec61966-2-1';
  readonly matrix: 'bt709' | 'gbr';
  readonly range: 'tv' | 'pc';
}

export interface OutputCodec {
  /** FFmpeg's name of the muxer. */
  readonly container: 'mp4' | 'webm' | 'mov' | 'matroska';
  readonly containerOptions: Readonly<Record<string, string>>;
  readonly encoder: FFEncoderCodec;
  /** Of the encoder, in its own words. */
  readonly options: Readonly<Record<string, string>>;
  /** Fixed, never the machine's: encoders cut pictures by their threads, which changes the bytes. */
  readonly threads: number;
  readonly pixelFormat: 'yuv420p' | 'yuv444p10le' | 'bgr0';
  /** Where alpha can be kept: of frames that have it. */
  readonly alphaFormat?: 'yuva444p10le' | 'bgra';
  /** 4:2:0 in H.264 and HEVC: an odd size grows by one copied row or column. */
  readonly evenSides: boolean;
  readonly colour: ColourTags;
  /** Frames from one key frame to the next, at least. @default 1 */
  readonly keyIntervalMin?: number;
  /** Of the sample entry, where the muxer's own choice is not what players want. */
  readonly tag?: 'hvc1';
}

const VIDEO: ColourTags = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', range: 'tv' };
/** As the frames are: no matrix, all 256 values, sRGB's curve. */
const PICTURE: ColourTags = {
  primaries: 'bt709',
  transfer: 'iec61966-2-1',
  matrix: 'gbr',
  range: 'pc',
};

/** The index in front, so that a player can begin before it has the whole file. */
const INDEX_IN_FRONT = { movflags: '+faststart' } as const;

export const OUTPUT_CODECS: Readonly<Record<CodecFormat, OutputCodec>> = {
  mp4: {
    container: 'mp4',
    containerOptions: INDEX_IN_FRONT,
    encoder: FF_ENCODER_LIBX264,
    options: {
      preset: 'superfast',
      profile: 'high',
      // True to the frames before all else: they are read again by others. Nothing is spent on looking sharp (psy, aq).
      crf: '1.5',
      bf: '0',
      'x264-params': 'cpu-independent=1:psy=0:aq-mode=0:mbtree=0:rc-lookahead=0',
    },
    threads: 4,
    pixelFormat: 'yuv420p',
    evenSides: true,
    colour: VIDEO,
  },
  'mp4-hevc': {
    container: 'mp4',
    containerOptions: INDEX_IN_FRONT,
    encoder: FF_ENCODER_LIBX265,
    options: {
      preset: 'superfast',
      profile: 'main',
      crf: '6',
      'x265-params': 'bframes=0:pools=4:frame-threads=2:info=0:log-level=error',
    },
    threads: 4,
    pixelFormat: 'yuv420p',
    evenSides: true,
    colour: VIDEO,
    // Of key frames alone x265 makes another profile, Main Intra, which few players know, whatever profile is asked for.
    keyIntervalMin: 2,
    tag: 'hvc1',
  },
  'mp4-av1': {
    container: 'mp4',
    containerOptions: INDEX_IN_FRONT,
    encoder: FF_ENCODER_LIBSVTAV1,
    options: { preset: '8', crf: '4', 'svtav1-params': 'lp=1' },
    threads: 1,
    pixelFormat: 'yuv420p',
    evenSides: false,
    colour: VIDEO,
  },
  webm: {
    container: 'webm',
    containerOptions: {},
    encoder: FF_ENCODER_LIBVPX_VP9,
    options: {
      crf: '6',
      b: '0',
      deadline: 'realtime',
      'cpu-used': '6',
      'lag-in-frames': '0',
      'row-mt': '0',
    },
    threads: 1,
    pixelFormat: 'yuv420p',
    evenSides: false,
    colour: VIDEO,
  },
  mov: {
    container: 'mov',
    containerOptions: INDEX_IN_FRONT,
    encoder: FF_ENCODER_PRORES_KS,
    options: { profile: '4444', vendor: 'apl0' },
    threads: 4,
    pixelFormat: 'yuv444p10le',
    alphaFormat: 'yuva444p10le',
    evenSides: false,
    colour: VIDEO,
  },
  mkv: {
    container: 'matroska',
    containerOptions: {},
    encoder: FF_ENCODER_FFV1,
    options: { level: '3', slicecrc: '1', g: '1' },
    threads: 4,
    pixelFormat: 'bgr0',
    alphaFormat: 'bgra',
    evenSides: false,
    colour: PICTURE,
  },
};

/** H.264 in fragments, which are ended by whoever writes. No frame waits for another, so that a player has all that are there. */
export const GROWING_CODEC: OutputCodec = {
  ...OUTPUT_CODECS.mp4,
  containerOptions: {
    movflags: '+frag_custom+empty_moov+default_base_moof',
    flush_packets: '1',
  },
  options: {
    ...OUTPUT_CODECS.mp4.options,
    'x264-params': `${OUTPUT_CODECS.mp4.options['x264-params']}:force-cfr=1`,
  },
  threads: 1,
};

/** @throws internal — frames have alpha, and the format has no place for it */
export function pixelFormatOf(codec: OutputCodec, alpha: boolean) {
  if (!alpha) return codec.pixelFormat;
  if (codec.alphaFormat !== undefined) return codec.alphaFormat;
  throw new BivdiffError('internal', `${codec.container} keeps no alpha`);
}
