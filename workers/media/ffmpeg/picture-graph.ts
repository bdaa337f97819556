// FFmpeg's filters between a decoded frame and an upright RGB picture: fields woven, what a container crops cut away, colours brought to
// sRGB, mirrored and turned. Knows nothing of files.

import { AVALPHA_MODE_PREMULTIPLIED } from 'node-av/constants';
import { FilterGraph, Frame, avGetPixFmtName, type FilterContext } from 'node-av/lib';

import { BivdiffError } from '../../../common/errors.ts';
import type { Picture } from '../media-types.ts';
import { plainBytes } from '../pixels/bytes.ts';
import { checked, gotOne } from './checked.ts';
import { assumedTags, rgbFilters, withTagsOf, type ColourTags } from './colour.ts';
import { uprightFilters, type Orientation } from './orientation.ts';

export interface Crop {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export interface GraphSettings {
  readonly orientation: Orientation;
  readonly crop: Crop | undefined;
  /** What the container says, for what frames leave open. */
  readonly containerTags: ColourTags;
  /** Of each frame the two fields are brought to one time; this needs the frame before it and the one after it. */
  readonly deinterlace: boolean;
}

/** One graph for all frames that are alike; a frame of another size or with other tags begins a new one. */
export class PictureGraph implements Disposable {
  readonly #settings: GraphSettings;
  #graph: FilterGraph | undefined;
  #made = '';
  #alpha = false;

  constructor(settings: GraphSettings) {
    this.#settings = settings;
  }

  /** Pictures that are ready once this frame is in, in order. Empties the frame. @throws invalid-argument */
  *push(frame: Frame): Generator<Picture> {
    const source = sourceArguments(frame);
    const alike = `${source} ${frame.colorPrimaries} ${frame.colorTrc}`;
    if (alike !== this.#made) {
      yield* this.end();
      this.#make(frame, source);
      this.#made = alike;
    }
    checked(this.#node('buffer@in').buffersrcAddFrameSync(frame), 'filtering a frame');
    yield* this.#ready();
  }

  /** What waited for a frame that does not come. The next frame begins anew. */
  *end(): Generator<Picture> {
    if (this.#graph === undefined) return;
    checked(this.#node('buffer@in').buffersrcAddFrameSync(null), 'filtering the last frames');
    yield* this.#ready();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#graph?.free();
    this.#graph = undefined;
    this.#made = '';
  }

  #make(frame: Frame, source: string): void {
    const name = pixelFormatOf(frame);
    this.#alpha = hasAlpha(name);
    const { crop, containerTags, deinterlace, orientation } = this.#settings;
    const tags = assumedTags(tagsOf(frame, containerTags), isRgb(name));
    const filters = [
      ...(deinterlace ? ['bwdif=mode=send_frame:deint=interlaced'] : []),
      ...(crop === undefined
        ? []
        : [
            `crop=iw-${crop.left + crop.right}:ih-${crop.top + crop.bottom}:${crop.left}:${crop.top}:exact=1`,
          ]),
      `setparams=colorspace=${tags.matrix}:range=${tags.range}:color_primaries=${tags.primaries}:color_trc=${tags.transfer}`,
      ...(frame.alphaMode === AVALPHA_MODE_PREMULTIPLIED ? ['unpremultiply=inplace=1'] : []),
      ...rgbFilters(tags, this.#alpha),
      ...uprightFilters(orientation),
    ];
    const graph = new FilterGraph();
    graph.alloc();
    const code = graph.parse2(`buffer@in=${source},${filters.join(',')},buffersink@out`);
    checked(code, `making the filters ${filters.join(',')}`);
    checked(graph.configSync(), `setting up the filters ${filters.join(',')}`);
    this.#graph = graph;
  }

  #node(name: string): FilterContext {
    const context = this.#graph?.getFilter(name);
    if (!context) throw new BivdiffError('internal', `the filter ${name} is missing`);
    return context;
  }

  *#ready(): Generator<Picture> {
    const sink = this.#node('buffersink@out');
    using frame = new Frame();
    frame.alloc();
    while (gotOne(sink.buffersinkGetFrameSync(frame), 'filtering a frame')) {
      const { width, height } = frame;
      yield { width, height, channels: this.#alpha ? 4 : 3, pixels: plainBytes(frame.toBuffer()) };
      frame.unref();
    }
  }
}

/** How a frame enters a graph; frames that differ in it need one of their own. */
function sourceArguments(frame: Frame): string {
  const { width, height } = frame;
  return [
    `video_size=${width}x${height}:pix_fmt=${pixelFormatOf(frame)}:time_base=1/1`,
    `colorspace=${frame.colorSpace}:range=${frame.colorRange}:alpha_mode=${frame.alphaMode}`,
  ].join(':');
}

/** Of a frame, and where it has none, of the container: ProRes, for one, may say in each frame that it does not know. */
export function tagsOf(frame: Frame, container: ColourTags): ColourTags {
  return withTagsOf(container, {
    matrix: frame.colorSpace,
    primaries: frame.colorPrimaries,
    transfer: frame.colorTrc,
    range: frame.colorRange,
  });
}

export function pixelFormatOf(frame: Frame): string {
  return avGetPixFmtName(frame.format as Parameters<typeof avGetPixFmtName>[0]) ?? 'none';
}

export function isRgb(pixelFormat: string): boolean {
  return /^(gbr|rgb|bgr|0rgb|0bgr|argb|abgr|pal8|x2rgb|x2bgr|monow|monob)/.test(pixelFormat);
}

export function hasAlpha(pixelFormat: string): boolean {
  return /^(yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|yaf|pal8|ayuv|vuya|uyva)/.test(pixelFormat);
}
