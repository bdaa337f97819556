// Where the files lie that the reader is held against, and what ffmpeg makes of them. cases/reported: files like those that people
// sent in. The other folders: what make-cases.sh made, by kind.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { RgbImage } from '../../../workers/media/media-types.ts';
import { decodePng } from '../../../workers/media/pixels/png.ts';

/** A clip of a kind. */
export function caseFile(kind: string, name: string): string {
  return fileURLToPath(new URL(`./cases/${kind}/${name}`, import.meta.url));
}

/** The picture that lies beside a clip. */
export async function referencePicture(
  kind: string,
  name: string,
  which: string,
): Promise<RgbImage> {
  const stem = name.replace(/\.[^.]+$/, '');
  return decodePng(await readFile(caseFile(kind, `${stem}.${which}.png`)));
}
