// Clips of drawn scenes that are cut, faded or flashed: each frame is a picture, and a file is made of them by the product's own encoder.

import type { MediaService } from '../../../workers/media/media-service.ts';

const SIZE = { width: 128, height: 96 } as const;
const { width, height } = SIZE;

type Colour = readonly [number, number, number];
/** `[height, width, 3]`. */
export type Drawn = Uint8Array;
/** Its frame of this number. */
export type Scene = (frame: number) => Drawn;

export const BLACK = plain(0);
export const WHITE = plain(255);

/** A disc that moves right, so many pixels a frame, over a ground that changes little. */
export function disc(ground: Colour, colour: Colour, speed: number): Scene {
  return (frame) => {
    const middle = (20 + speed * frame) % width;
    return paint((x, y) => {
      const [red, green, blue] = ground;
      const isInside = Math.hypot(x - middle, y - height / 2) < 20;
      return isInside ? colour : [red + x / 4, green + y / 4, blue];
    });
  };
}

/** A pattern that fills the picture and moves left. */
export function pan(speed: number): Scene {
  return (frame) =>
    paint((x, y) => {
      const level = 127 + 100 * Math.sin((x + speed * frame) / 9) * Math.sin(y / 7);
      return [level, 255 - level, 128];
    });
}

/** So many frames of a scene, from its frame `first` on. */
export function take(scene: Scene, count: number, first = 0): Drawn[] {
  return Array.from({ length: count }, (_, i) => scene(first + i));
}

/** `share` of the second picture. */
export function mixed(one: Drawn, other: Drawn, share: number): Drawn {
  return one.map((value, at) => Math.round(value * (1 - share) + other[at]! * share));
}

/** As an mp4; the file must not be there. */
export async function writeShots(
  media: Pick<MediaService, 'encode'>,
  path: string,
  frames: readonly Drawn[],
): Promise<void> {
  await media.encode({ path, format: 'mp4', framesPerSecond: 25, ...SIZE }, frames);
}

function plain(level: number): Drawn {
  return new Uint8Array(3 * width * height).fill(level);
}

function paint(colourAt: (x: number, y: number) => Colour): Drawn {
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 3) rgb.set(colourAt(x, y), at);
  }
  return rgb;
}
