// Upright RGB pictures of a video file from one beginning on, forward only: a decoder and its filters, which stay open between calls.

import { decodeFrom, firstBeginning, isWhole } from '../ffmpeg/frame-decoder.ts';
import { PictureGraph } from '../ffmpeg/picture-graph.ts';
import type { Picture } from '../media-types.ts';
import { frameOfKey } from './frame-order.ts';
import type { VideoKind } from './sniff.ts';
import { freed, type VideoIndex } from './video-index.ts';

interface Source {
  readonly path: string;
  readonly kind: VideoKind;
  readonly index: VideoIndex;
}

interface IndexedPicture {
  readonly index: number;
  readonly picture: Picture;
}

export class PictureStream implements Disposable {
  readonly #pictures: Generator<IndexedPicture, void>;
  #wanted = 0;
  #ahead: IndexedPicture | undefined;
  #position: number;

  /** Begins at this key packet of the index, or at the file's beginning. */
  constructor(source: Source, key: number | undefined) {
    this.#position = frameOfKey(source.index, key) - 1;
    this.#pictures = this.#run(source, key);
  }

  /** The last frame that was asked for; before that, the one before the first that can come. */
  get position(): number {
    return this.#position;
  }

  /** A frame after all that were asked for. Undefined: the decoder has given none that is whole, begun where it was. */
  pictureOf(frame: number): Picture | undefined {
    this.#wanted = frame;
    this.#position = frame;
    for (;;) {
      const next = this.#ahead ?? this.#next();
      this.#ahead = undefined;
      if (next === undefined) return undefined;
      if (next.index === frame) return next.picture;
      if (next.index > frame) {
        this.#ahead = next;
        return undefined;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#pictures.return();
  }

  #next(): IndexedPicture | undefined {
    return this.#pictures.next().value ?? undefined;
  }

  *#run(source: Source, key: number | undefined): Generator<IndexedPicture, void> {
    const { orientation, crop, interlaced, containerTags } = source.index;
    using graph = new PictureGraph({ orientation, crop, containerTags, deinterlace: interlaced });
    // Deinterlacing hands a frame out when it has seen the next, and needs those that nobody asked for.
    const waiting: number[] = [];
    for (const { frame, at } of numbered(source, key)) {
      if (at < this.#wanted && !interlaced) continue;
      waiting.push(at);
      for (const picture of graph.push(frame)) yield { index: waiting.shift()!, picture };
    }
    for (const picture of graph.end()) yield { index: waiting.shift()!, picture };
  }
}

/** Frames with their place in the order in which they are shown. What is not shown, or not whole, is left out. */
function* numbered({ path, kind, index }: Source, key: number | undefined) {
  const { shown } = index;
  const start = key === undefined ? firstBeginning(index.keys) : index.keys[key]!;
  let at = frameOfKey(index, key);
  for (const { frame, pts } of freed(decodeFrom(path, kind, start))) {
    if (shown !== undefined) {
      while (at < shown.length && shown[at]! < pts!) at++;
      if (shown[at] !== pts) continue;
    }
    if (isWhole(frame)) yield { frame, at };
    at++;
  }
}
