// One picture to lossless PNG bytes and back: how the store keeps frames.

import sharp from 'sharp';
import { BivdiffError } from '../../../common/errors.ts';
import { plainBytes } from './bytes.ts';
import type { RgbImage } from '../media-types.ts';

/**
 * 8-bit RGB PNG: same pixels, same bytes, on machines of one instruction set. No profile, no text, no time.
 */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  const { rgb, width, height } = image;
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6, adaptiveFiltering: false, palette: false })
    .toBuffer();
  return plainBytes(png);
}

/** Pixels as they are stored; alpha, if any, is laid over black. @throws data-loss — not a sound PNG */
export async function decodePng(bytes: Uint8Array): Promise<RgbImage> {
  try {
    const { data, info } = await sharp(bytes, { failOn: 'error', ignoreIcc: true })
      .flatten({ background: '#000000' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgb: plainBytes(data) };
  } catch (cause) {
    throw new BivdiffError('data-loss', 'a stored picture cannot be read as PNG', { cause });
  }
}
