// Pictures that bear the index of their frame, and the indices that a clip of them has.

import type { MediaService } from '../../../workers/media/media-service.ts';
import { collect, readIndex } from './clips.ts';

/** A grey picture with its index in the row of blocks that `readIndex` reads. */
export function indexPicture(
  index: number,
  { width, height }: { width: number; height: number },
): Uint8Array {
  const rgb = new Uint8Array(width * height * 3).fill(100);
  const block = Math.floor(width / 8);
  for (let y = 0; y < height / 4; y += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const at = (y * width + bit * block) * 3;
      rgb.fill((index >> (7 - bit)) & 1 ? 235 : 20, at, at + block * 3);
    }
  }
  return rgb;
}

/** Of all frames of a clip, in the order in which they are shown. */
export async function indicesIn(media: MediaService, path: string): Promise<readonly number[]> {
  const { frames, width, height } = await media.probe(path);
  const indices = Array.from({ length: frames }, (_, i) => i);
  const size = { width, height };
  const decoded = await collect(media.decode({ path, indices, size, resize: 'stretch' }));
  return decoded.map(({ rgb }) => readIndex({ rgb, ...size }));
}
