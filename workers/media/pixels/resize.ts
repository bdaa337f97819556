// Brings a picture to a size. One fixed kernel, no vector code, so the same pixels come out on every machine of one architecture.

import sharp, { type Sharp } from 'sharp';

import { BivdiffError } from '../../../common/errors.ts';
import type { ResizePolicy } from '../../../common/stages.ts';
import type { FrameSize, Picture } from '../media-types.ts';
import { plainBytes } from './bytes.ts';

// libvips' vector code rounds differently from its plain code. The child process that decodes is the only user
// of this setting, and it does little else.
sharp.simd(false);
sharp.cache(false);
sharp.concurrency(1);

/** Behind what is transparent, and beside what does not fill the frame. */
const BACKGROUND = '#000000';
const CLEAR = { r: 0, g: 0, b: 0, alpha: 0 };

export interface Fit {
  /** As wide and high as the picture is shown: another shape than its own where pixels are not square. */
  readonly shown: FrameSize;
  readonly size: FrameSize;
  readonly resize: ResizePolicy;
  readonly keepAlpha: boolean;
}

/**
 * To exactly `size`; alpha is laid over black unless it is kept. The kernel is the cubic one, widened when shrinking: what the official
 * code's reader (decord, so swscale's bicubic) uses. `contain` pads with black, or with nothing where alpha is kept.
 */
export async function fitPicture(picture: Picture, fit: Fit): Promise<Picture> {
  const { size, keepAlpha, resize } = fit;
  const flat = picture.channels === 3 || keepAlpha;
  const inner = innerSize(fit);
  // As many pixels as asked for may still be of another shape.
  if (flat && isSame(picture, inner) && isSame(inner, size)) return picture;
  const image = imageOf(picture).resize(inner.width, inner.height, {
    fit: 'fill',
    kernel: 'cubic',
  });
  if (!flat) image.flatten({ background: BACKGROUND });
  const resized = await pictureOf(image);
  if (isSame(inner, size)) return resized;
  const [x, y] = [size.width - inner.width, size.height - inner.height];
  const again = imageOf(resized);
  if (resize === 'cover') {
    again.extract({ left: Math.floor(-x / 2), top: Math.floor(-y / 2), ...size });
  } else {
    again.extend({
      left: Math.floor(x / 2),
      right: Math.ceil(x / 2),
      top: Math.floor(y / 2),
      bottom: Math.ceil(y / 2),
      background: resized.channels === 4 ? CLEAR : BACKGROUND,
    });
  }
  return pictureOf(again);
}

/** What the whole picture is resized to, before it is cut or padded. */
function innerSize({ shown, size, resize }: Fit): FrameSize {
  if (resize === 'stretch') return size;
  const [across, down] = [size.width / shown.width, size.height / shown.height];
  const scale = resize === 'cover' ? Math.max(across, down) : Math.min(across, down);
  return {
    width: Math.max(1, Math.round(shown.width * scale)),
    height: Math.max(1, Math.round(shown.height * scale)),
  };
}

function isSame(a: FrameSize, b: FrameSize): boolean {
  return a.width === b.width && a.height === b.height;
}

function imageOf({ width, height, channels, pixels }: Picture): Sharp {
  return sharp(pixels, { raw: { width, height, channels } });
}

/** @throws internal — libvips gave neither three nor four channels */
export async function pictureOf(image: Sharp): Promise<Picture> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3 && channels !== 4) {
    throw new BivdiffError('internal', `a picture has ${channels} channels`);
  }
  return { width, height, channels, pixels: plainBytes(data) };
}
