// One picture as bytes for a web page: WebP, which every browser shows.

import sharp from 'sharp';

import { plainBytes } from './bytes.ts';
import type { RgbImage } from '../media-types.ts';

/** Of lossy ones: no difference shows at the size of the picture. */
const QUALITY = 92;

/** `lossless` for what shall be judged by the pixel; else about a fifth of the bytes. */
export async function encodeWebp(
  { rgb, width, height, channels = 3 }: RgbImage,
  { lossless }: { readonly lossless: boolean },
): Promise<Uint8Array> {
  const options = lossless ? { lossless, effort: 4 } : { quality: QUALITY, smartSubsample: true };
  return plainBytes(
    await sharp(rgb, { raw: { width, height, channels } }).webp(options).toBuffer(),
  );
}
