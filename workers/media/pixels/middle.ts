// A square out of the middle of a picture, as image encoders want it.

import sharp from 'sharp';

import { plainBytes } from './bytes.ts';
import type { FrameSize, RgbImage } from '../media-types.ts';

/** The picture brought to `size` (bicubic, smoothed where it shrinks), and of that the middle: `[side, side, 3]`. */
export async function middleOf(
  { rgb, width, height }: RgbImage,
  size: FrameSize,
  side: number,
): Promise<Uint8Array> {
  const left = Math.floor((size.width - side) / 2);
  const top = Math.floor((size.height - side) / 2);
  const middle = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(size.width, size.height, { fit: 'fill', kernel: 'cubic' })
    .extract({ left, top, width: side, height: side })
    .raw()
    .toBuffer();
  return plainBytes(middle);
}
