// Tells what kind of file something is by its first bytes. FFmpeg would guess too, but among its guesses are
// playlists that open other files and addresses: only what is named here gets as far as FFmpeg.

import { open, type FileHandle } from 'node:fs/promises';

/** Read by libvips. */
export type PictureKind = 'gif' | 'png' | 'jpeg' | 'webp' | 'avif';
/** Read by FFmpeg. */
export type VideoKind =
  | 'mp4'
  | 'matroska'
  | 'avi'
  | 'mpegts'
  | 'mpeg'
  | 'flv'
  | 'ogg'
  | 'asf'
  | 'mxf'
  | 'ivf'
  | 'y4m'
  | 'apng';
export type FileKind = PictureKind | VideoKind | 'unknown';

const PICTURES: readonly FileKind[] = ['gif', 'png', 'jpeg', 'webp', 'avif'];

export function isPictureKind(kind: FileKind): kind is PictureKind {
  return PICTURES.includes(kind);
}

/**
 * How long MPEG-TS packets are, and where in them their sync byte stands; three in a row are no accident. Camcorders and Blu-ray discs put a
 * time of four bytes before each, broadcasters a checksum of 16 behind.
 */
const TS_PACKETS = [
  { length: 188, sync: 0 },
  { length: 192, sync: 4 },
  { length: 204, sync: 0 },
];
const HEAD_BYTES = 204 * 2 + 5;

/** The kind by content. @throws the file system's own errors */
export async function sniffFile(path: string): Promise<FileKind> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
    const kind = kindOfBytes(head.subarray(0, bytesRead));
    return kind === 'png' && (await isAnimated(file)) ? 'apng' : kind;
  } finally {
    await file.close();
  }
}

const MP4_FIRST_BOXES = new Set([
  'ftyp',
  'moov',
  'mdat',
  'free',
  'skip',
  'wide',
  'pnot',
  'styp',
  'sidx',
]);
const STARTS: readonly (readonly [string, FileKind])[] = [
  ['\x1a\x45\xdf\xa3', 'matroska'],
  ['GIF87a', 'gif'],
  ['GIF89a', 'gif'],
  ['\x89PNG\r\n\x1a\n', 'png'],
  ['\xff\xd8\xff', 'jpeg'],
  ['FLV\x01', 'flv'],
  ['OggS', 'ogg'],
  ['\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'asf'],
  ['\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02', 'mxf'],
  ['DKIF', 'ivf'],
  ['YUV4MPEG2', 'y4m'],
  ['\0\0\x01\xba', 'mpeg'],
];

function kindOfBytes(head: Buffer): FileKind {
  const text = head.toString('latin1');
  if (text.slice(4, 8) === 'ftyp' && /^avif|^mif1|^miaf/.test(text.slice(8, 12))) return 'avif';
  if (MP4_FIRST_BOXES.has(text.slice(4, 8))) return 'mp4';
  const riff = text.startsWith('RIFF') ? text.slice(8, 12) : '';
  if (riff === 'WEBP') return 'webp';
  if (riff === 'AVI ') return 'avi';
  if (isTransportStream(head)) return 'mpegts';
  return STARTS.find(([start]) => text.startsWith(start))?.[1] ?? 'unknown';
}

function isTransportStream(head: Buffer): boolean {
  return TS_PACKETS.some(({ length, sync }) =>
    [0, 1, 2].every((packet) => head[packet * length + sync] === 0x47),
  );
}

const PNG_CHUNKS_MAX = 1000;

/** Whether a PNG is an animation: it says so (acTL) before its first picture data (IDAT). */
async function isAnimated(file: FileHandle): Promise<boolean> {
  const head = Buffer.alloc(8);
  let at = 8;
  for (let chunk = 0; chunk < PNG_CHUNKS_MAX; chunk++) {
    const { bytesRead } = await file.read(head, 0, 8, at);
    const type = head.toString('latin1', 4, 8);
    if (bytesRead < 8 || type === 'IDAT') return false;
    if (type === 'acTL') return true;
    // Length, type, data, checksum.
    at += 12 + head.readUInt32BE(0);
  }
  return false;
}
