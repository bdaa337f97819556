// Whether a file ends before it says that it does, for kinds of which FFmpeg and libvips read what is there without a word. Streams that are
// made to be cut anywhere (MPEG-TS, MPEG-PS) never do.

import { open, type FileHandle } from 'node:fs/promises';

import type { FileKind } from './sniff.ts';

interface Looked {
  readonly file: FileHandle;
  readonly size: number;
  /** Packets of the video, and how many the header says that there are; 0: it does not say. */
  readonly packets: number;
  readonly declared: number;
  /** Where the last packet's data ends. */
  readonly dataEnd: number;
}

const CHECKS: Partial<Record<FileKind, (looked: Looked) => boolean | Promise<boolean>>> = {
  ivf: ({ packets, declared }) => packets < declared,
  mxf: ({ packets, declared }) => packets < declared,
  // Frames are of one size; what follows the last is a part of one.
  y4m: ({ size, dataEnd }) => dataEnd > 0 && size > dataEnd,
  avi: async ({ file, size }) => size < 8 + (await bytesAt(file, 4, 4)).readUInt32LE(0),
  apng: lacksEnd,
  gif: endsInsideBlock,
  ogg: endsInsidePage,
};

/** @throws the file system's own errors */
export async function endsEarly(
  path: string,
  kind: FileKind,
  facts: Omit<Looked, 'file' | 'size'> = { packets: 0, declared: 0, dataEnd: 0 },
): Promise<boolean> {
  const check = CHECKS[kind];
  if (check === undefined) return false;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    return await check({ ...facts, file, size });
  } finally {
    await file.close();
  }
}

async function bytesAt(file: FileHandle, at: number, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  await file.read(bytes, 0, count, at);
  return bytes;
}

/** Whatever programs leave behind a PNG's last chunk is shorter. */
const TAIL_BYTES = 64 * 1024;

async function lacksEnd({ file, size }: Looked): Promise<boolean> {
  const count = Math.min(size, TAIL_BYTES);
  return !(await bytesAt(file, size - count, count)).includes('IEND');
}

/** GIF89a, 17 to 27: a picture or an extension is a head and sub-blocks, each with its length in front; the last one's is 0. */
async function endsInsideBlock({ file, size }: Looked): Promise<boolean> {
  const bytes = await bytesAt(file, 0, size);
  const tableBytes = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + tableBytes(bytes[10] ?? 0);
  while (at < size) {
    const kind = bytes[at];
    if (kind === IMAGE) at += 10 + tableBytes(bytes[at + 9] ?? 0) + 1;
    else if (kind === EXTENSION) at += 2;
    // The trailer, or what a program has left in its place.
    else return false;
    while (at < size && bytes[at] !== 0) at += 1 + bytes[at]!;
    at += 1;
  }
  return at > size;
}
const IMAGE = 0x2c;
const EXTENSION = 0x21;

const PAGE_HEAD_BYTES = 27;

/** RFC 3533, 6: a page's head says how many bytes follow it. */
async function endsInsidePage({ file, size }: Looked): Promise<boolean> {
  let at = 0;
  while (at < size) {
    const head = await bytesAt(file, at, PAGE_HEAD_BYTES + 255);
    if (head.toString('latin1', 0, 4) !== 'OggS') return false;
    const segments = head[26]!;
    const body = head.subarray(PAGE_HEAD_BYTES, PAGE_HEAD_BYTES + segments);
    at += PAGE_HEAD_BYTES + segments + body.reduce((sum, length) => sum + length, 0);
  }
  return at > size;
}
