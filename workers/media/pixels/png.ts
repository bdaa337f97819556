// One picture to lossless PNG bytes and back: how the store keeps frames.

import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { BivdiffError } from '../../../common/errors.ts';
import { plainBytes } from './bytes.ts';
import type { RgbImage } from '../media-types.ts';

const PNG_OPTIONS = { compressionLevel: 6, adaptiveFiltering: false, palette: false } as const;

/**
 * 8-bit RGB or RGBA PNG: same pixels, same bytes, on machines of one instruction set. Tagged as sRGB; no profile, no text, no time.
 */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  const { rgb, width, height, channels = 3 } = image;
  const png = await sharp(rgb, { raw: { width, height, channels } }).png(PNG_OPTIONS).toBuffer();
  return tagged(png);
}

/** The same in 16 bits: a value v of 8 bits is v * 257, so white stays white and nothing is lost on the way back. */
export async function encodeDeepPng(image: RgbImage): Promise<Uint8Array> {
  const { rgb, width, height, channels = 3 } = image;
  const values = Uint16Array.from(rgb, (value) => value * 257);
  const png = await sharp(values, { raw: { width, height, channels } })
    .toColourspace('rgb16')
    .png(PNG_OPTIONS)
    .toBuffer();
  return tagged(png);
}

/** Where a PNG's first chunk, IHDR, ends: 8 bytes of signature; 4 of length, 4 of name, 13 of body, 4 of checksum. */
const HEADER_END = 8 + 4 + 4 + 13 + 4;

/**
 * How the values are meant, in the two chunks that readers know (PNG, third edition, 11.3.2.5 and 11.3.2.6): sRGB, perceptual intent; and
 * cICP with the primaries of BT.709, sRGB's transfer, no matrix, full range. libvips writes neither.
 */
const COLOUR_CHUNKS = Buffer.concat([chunk('cICP', [1, 13, 0, 1]), chunk('sRGB', [0])]);

function tagged(png: Buffer): Uint8Array {
  const parts = [png.subarray(0, HEADER_END), COLOUR_CHUNKS, png.subarray(HEADER_END)];
  return plainBytes(Buffer.concat(parts));
}

function chunk(name: string, body: readonly number[]): Buffer {
  const content = Buffer.concat([Buffer.from(name, 'latin1'), Buffer.from(body)]);
  const bytes = Buffer.alloc(content.length + 8);
  bytes.writeUInt32BE(body.length, 0);
  content.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(content), content.length + 4);
  return bytes;
}

/** Pixels as they are stored; alpha, if any, is laid over black. @throws data-loss — not a sound PNG */
export async function decodePng(bytes: Uint8Array): Promise<RgbImage> {
  const { data, info } = await rawOf(pngOf(bytes).flatten({ background: '#000000' }));
  return { width: info.width, height: info.height, rgb: plainBytes(data) };
}

/** The alpha of each pixel, 0 to 255: opaque where the picture has none. @throws data-loss — not a sound PNG */
export async function decodeAlpha(bytes: Uint8Array): Promise<Uint8Array> {
  const { data, info } = await rawOf(pngOf(bytes).ensureAlpha());
  return Uint8Array.from({ length: info.width * info.height }, (_, i) => data[i * 4 + 3]!);
}

function pngOf(bytes: Uint8Array): Sharp {
  return sharp(bytes, { failOn: 'error', ignoreIcc: true });
}

async function rawOf(image: Sharp) {
  try {
    return await image
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    throw new BivdiffError('data-loss', 'a stored picture cannot be read as PNG', { cause });
  }
}
