// Tells what kind of file something is by its first bytes. FFmpeg would guess too, but among its guesses are
// playlists that open other files and addresses: only what is named here gets as far as FFmpeg.

import { open } from 'node:fs/promises';

export type FileKind = 'mp4' | 'matroska' | 'gif' | 'png' | 'jpeg' | 'webp' | 'unknown';

/** The kind by content. @throws the file system's own errors */
export async function sniffFile(path: string): Promise<FileKind> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(16);
    const { bytesRead } = await file.read(head, 0, 16, 0);
    return kindOfBytes(head.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

const MP4_FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot']);

function kindOfBytes(head: Buffer): FileKind {
  const text = head.toString('latin1');
  if (MP4_FIRST_BOXES.has(text.slice(4, 8))) return 'mp4';
  if (text.startsWith('\x1a\x45\xdf\xa3')) return 'matroska';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'gif';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'webp';
  return 'unknown';
}
