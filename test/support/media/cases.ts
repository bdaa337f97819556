// Where the files lie that the reader is held against, and what ffmpeg makes of them. cases/reported: files like those that people
// sent in. The other folders: what make-cases.py made, by kind.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { RgbImage } from '../../../workers/media/media-types.ts';
import { decodePng } from '../../../workers/media/pixels/png.ts';
import references from './cases/references.json' with { type: 'json' };

/** Of a clip, by `kind/name`. */
export interface Reference {
  readonly frames: number;
  /** As ffmpeg extracts frames: upright, pixels not stretched. */
  readonly width: number;
  readonly height: number;
  /** Means of the cells of each frame, as `cellMeans` gives them, in base64. */
  readonly cells: readonly string[];
  /** How wide a stored pixel is shown, and how high, if not equal. */
  readonly aspect?: readonly [number, number];
  readonly treatment?: string;
  readonly rotation?: number;
  readonly mirrored?: boolean;
  readonly alpha?: boolean;
  readonly interlaced?: boolean;
  readonly pixelFormat?: string;
  readonly sounds?: number;
  readonly variableFrameRate?: boolean;
}

export const REFERENCES = references as unknown as Readonly<Record<string, Reference>>;

export function caseFile(kindAndName: string): string {
  return fileURLToPath(new URL(`./cases/${kindAndName}`, import.meta.url));
}

/** The picture that lies beside a clip. */
export async function referencePicture(kindAndName: string, which: string): Promise<RgbImage> {
  const stem = kindAndName.replace(/\.[^.]+$/, '');
  return decodePng(await readFile(caseFile(`${stem}.${which}.png`)));
}

const CELL = 8;

/** Mean red, green and blue of each square of 8x8, row by row; what is left over at the right and below is left out. */
export function cellMeans({ rgb, width, height }: RgbImage): Uint8Array {
  const [columns, rows] = [Math.floor(width / CELL), Math.floor(height / CELL)];
  const sums = new Float64Array(columns * rows * 3);
  for (let y = 0; y < rows * CELL; y++) {
    for (let x = 0; x < columns * CELL; x++) {
      const cell = Math.floor(y / CELL) * columns + Math.floor(x / CELL);
      for (let c = 0; c < 3; c++) sums[cell * 3 + c]! += rgb[(y * width + x) * 3 + c]!;
    }
  }
  return Uint8Array.from(sums, (sum) => Math.round(sum / CELL ** 2));
}

export function meanDistance(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}
