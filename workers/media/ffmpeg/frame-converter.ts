// RGB frames to what an encoder takes, by FFmpeg's scale filter.

import {
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_RGBA,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
} from 'node-av/constants';
import { Filter, FilterGraph, Frame, type FilterContext } from 'node-av/lib';
import { BivdiffError } from '../../../common/errors.ts';
import type { FrameRate } from '../../../common/outputs/frame-rate.ts';
import type { FrameSize } from '../media-types.ts';
import { checked } from './checked.ts';
import { tagColours } from './colour-tags.ts';
import { pixelFormatOf, type ColourTags, type OutputCodec } from './output-codecs.ts';

/**
 * `accurate_rnd` and `bitexact` keep results off the processor's instruction set, `full_chroma_inp` lets every pixel count in the chroma.
 * Bicubic: its weights are whole-number arithmetic, those of sharper filters come from the system's sine.
 */
const SCALE_FLAGS = 'bicubic+accurate_rnd+bitexact+full_chroma_inp';

/** One frame in, one frame out, in order. The caller disposes of it, and of what it gives. */
export class FrameConverter implements Disposable {
  readonly #graph = new FilterGraph();
  readonly #source: FilterContext;
  readonly #sink: FilterContext;
  readonly #size: FrameSize;
  readonly #codec: OutputCodec;

  readonly #alpha: boolean;

  constructor(size: FrameSize, rate: FrameRate, codec: OutputCodec, alpha: boolean) {
    const { width, height } = size;
    this.#size = size;
    this.#codec = codec;
    this.#alpha = alpha;
    this.#graph.alloc();
    // Threads cut a picture into slices; one keeps the cuts, and so the rounding at them, away.
    this.#graph.nbThreads = 1;
    const timing = `time_base=${rate.denominator}/${rate.numerator}:frame_rate=${rate.numerator}/${rate.denominator}`;
    const source = `video_size=${width}x${height}:pix_fmt=${alpha ? 'rgba' : 'rgb24'}:colorspace=gbr:range=pc:pixel_aspect=1/1:${timing}`;
    const conversion = `flags=${SCALE_FLAGS}:${targetOf(codec.colour)}`;
    this.#source = this.#add('buffer', source);
    this.#sink = this.#add('buffersink', null);
    const scale = this.#add('scale', conversion);
    const format = this.#add('format', `pix_fmts=${pixelFormatOf(codec, alpha)}`);
    for (const [from, to] of [
      [this.#source, scale],
      [scale, format],
      [format, this.#sink],
    ] as const) {
      checked(from.link(0, to, 0), 'joining filters');
    }
    checked(this.#graph.configSync(), 'setting up the conversion of frames');
  }

  /** `rgb`: `[height, width, 3]`, or 4 with alpha. */
  async convert(rgb: Uint8Array, index: number): Promise<Frame> {
    const pixels = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength);
    using source = Frame.fromVideoBuffer(pixels, {
      ...this.#size,
      format: this.#alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24,
      pts: BigInt(index),
    });
    source.colorSpace = AVCOL_SPC_RGB;
    source.colorRange = AVCOL_RANGE_JPEG;
    const frame = new Frame();
    frame.alloc();
    checked(await this.#source.buffersrcAddFrame(source), 'converting a frame');
    checked(await this.#sink.buffersinkGetFrame(frame), 'converting a frame');
    tagColours(frame, this.#codec);
    return frame;
  }

  [Symbol.dispose](): void {
    this.#graph.free();
  }

  #add(name: string, options: string | null): FilterContext {
    const filter = Filter.getByName(name);
    const context = filter && this.#graph.createFilter(filter, name, options);
    if (context) return context;
    throw new BivdiffError('internal', `this build of FFmpeg cannot make its filter ${name}`);
  }
}

function targetOf({ matrix, range }: ColourTags): string {
  const target = `in_range=pc:out_range=${range}`;
  return matrix === 'gbr' ? target : `${target}:out_color_matrix=${matrix}:out_chroma_loc=center`;
}
