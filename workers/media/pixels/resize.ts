// Turns and resizes one RGB picture. One fixed kernel, no vector code, so the same pixels come out on every machine.

import sharp from 'sharp';
import type { ResizePolicy } from '../../../common/stages.ts';
import { plainBytes } from '../containers/bytes.ts';
import type { FrameSize, RgbImage } from '../media-types.ts';

// libvips' vector code rounds differently from its plain code. The child process that decodes is the only user
// of this setting, and it does little else.
sharp.simd(false);
sharp.cache(false);
sharp.concurrency(1);

const FIT_BY_POLICY = { stretch: 'fill', cover: 'cover', contain: 'contain' } as const;

/**
 * To exactly `size`. The kernel is the cubic one, widened when shrinking: what the official code's reader (decord, so
 * swscale's bicubic) uses. `contain` pads with black.
 */
export async function resizeRgb(
  image: RgbImage,
  size: FrameSize,
  policy: ResizePolicy,
): Promise<Uint8Array> {
  if (image.width === size.width && image.height === size.height) return image.rgb;
  const buffer = await sharp(image.rgb, {
    raw: { width: image.width, height: image.height, channels: 3 },
  })
    .resize(size.width, size.height, {
      fit: FIT_BY_POLICY[policy],
      kernel: 'cubic',
      background: '#000000',
    })
    .raw()
    .toBuffer();
  return plainBytes(buffer);
}

/** Turned clockwise by quarter turns. */
export function rotateRgb(image: RgbImage, degrees: 0 | 90 | 180 | 270): RgbImage {
  if (degrees === 0) return image;
  const { width, height, rgb } = image;
  const turned = degrees !== 180;
  const size = turned ? { width: height, height: width } : { width, height };
  const out = new Uint8Array(rgb.length);
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++, from += 3) {
      const column = degrees === 90 ? height - 1 - y : degrees === 180 ? width - 1 - x : y;
      const row = degrees === 90 ? x : degrees === 180 ? height - 1 - y : width - 1 - x;
      const to = (row * size.width + column) * 3;
      out[to] = rgb[from]!;
      out[to + 1] = rgb[from + 1]!;
      out[to + 2] = rgb[from + 2]!;
    }
  }
  return { ...size, rgb: out };
}
