// Brings a picture to a size. One fixed kernel, no vector code, so the same pixels come out on every machine of one architecture.

import sharp, { type Sharp } from 'sharp';

import type { ResizePolicy } from '../../../common/stages.ts';
import type { Picture } from '../ffmpeg/picture-graph.ts';
import type { FrameSize } from '../media-types.ts';
import { plainBytes } from './bytes.ts';

// libvips' vector code rounds differently from its plain code. The child process that decodes is the only user
// of this setting, and it does little else.
sharp.simd(false);
sharp.cache(false);
sharp.concurrency(1);

/** Behind what is transparent, and beside what does not fill the frame. */
const BACKGROUND = '#000000';

export interface Fit {
  /** As wide and high as the picture is shown: another shape than its own where pixels are not square. */
  readonly shown: FrameSize;
  readonly size: FrameSize;
  readonly resize: ResizePolicy;
}

/**
 * RGB of exactly `size`; alpha is laid over black. The kernel is the cubic one, widened when shrinking: what the official code's reader
 * (decord, so swscale's bicubic) uses. `contain` pads with black.
 */
export async function fitPicture(picture: Picture, fit: Fit): Promise<Uint8Array> {
  const { width, height, channels, pixels } = picture;
  const { size } = fit;
  if (channels === 3 && width === size.width && height === size.height) return pixels;
  const image = sharp(pixels, { raw: { width, height, channels } });
  const inner = innerSize(fit);
  image.resize(inner.width, inner.height, { fit: 'fill', kernel: 'cubic' });
  if (channels === 4) image.flatten({ background: BACKGROUND });
  if (isSame(inner, size)) return rawOf(image);
  const [x, y] = [size.width - inner.width, size.height - inner.height];
  const resized = await rawOf(image);
  const again = sharp(resized, { raw: { ...inner, channels: 3 } });
  if (fit.resize === 'cover') {
    again.extract({ left: Math.floor(-x / 2), top: Math.floor(-y / 2), ...size });
  } else {
    again.extend({
      left: Math.floor(x / 2),
      right: Math.ceil(x / 2),
      top: Math.floor(y / 2),
      bottom: Math.ceil(y / 2),
      background: BACKGROUND,
    });
  }
  return rawOf(again);
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

async function rawOf(image: Sharp): Promise<Uint8Array> {
  return plainBytes(await image.raw().toBuffer());
}
