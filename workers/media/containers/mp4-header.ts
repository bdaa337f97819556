// Reads from an MP4's boxes what the demuxer does not tell: rotation, colour tags, and whether the file is
// whole. ISO/IEC 14496-12. Reads only headers and the index, never the media bytes.

import { open, type FileHandle } from 'node:fs/promises';

/** What the demuxer does not tell of a file. */
export interface ContainerHeader {
  readonly rotation: 0 | 90 | 180 | 270;
  /** `matrix_coefficients` of the colr box (ISO/IEC 23091-2: 1 is BT.709, 5 and 6 BT.601, 9 BT.2020). */
  readonly matrixCoefficients?: number;
  readonly fullRange?: boolean;
  readonly fileBytes: number;
  /** Where the last top-level box says that it ends; above `fileBytes` in a file that was cut. */
  readonly expectedBytes: number;
}

const INDEX_BYTES_MAX = 256 * 1024 * 1024;
const BOXES_MAX = 100_000;

export async function readMp4Header(path: string): Promise<ContainerHeader> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { moov, expectedBytes } = await findIndex(file, size);
    const track = moov === undefined ? undefined : findVideoTrack(moov);
    return { rotation: 0, ...track, fileBytes: size, expectedBytes };
  } finally {
    await file.close();
  }
}

async function findIndex(file: FileHandle, size: number) {
  let moov: Buffer | undefined;
  let at = 0;
  for (let count = 0; at + 8 <= size && count < BOXES_MAX; count++) {
    const head = Buffer.alloc(16);
    await file.read(head, 0, 16, at);
    const box = boxAt(head, 0, size - at);
    if (box.bytes < box.headBytes) break;
    if (box.type === 'moov' && box.bytes <= INDEX_BYTES_MAX && at + box.bytes <= size) {
      moov = Buffer.alloc(box.bytes - box.headBytes);
      await file.read(moov, 0, moov.length, at + box.headBytes);
    }
    at += box.bytes;
  }
  return { moov, expectedBytes: at };
}

interface Box {
  readonly type: string;
  readonly headBytes: number;
  readonly bytes: number;
}

function boxAt(data: Buffer, at: number, remaining: number): Box {
  const short = data.readUInt32BE(at);
  const type = data.toString('latin1', at + 4, at + 8);
  if (short === 1 && data.length >= at + 16) {
    return { type, headBytes: 16, bytes: Number(data.readBigUInt64BE(at + 8)) };
  }
  return { type, headBytes: 8, bytes: short === 0 ? remaining : short };
}

/** The boxes directly inside `data`; stops at the first that does not fit. */
export function* boxesIn(data: Buffer): Generator<{ type: string; body: Buffer }> {
  for (let at = 0; at + 8 <= data.length;) {
    const box = boxAt(data, at, data.length - at);
    if (box.bytes < box.headBytes || at + box.bytes > data.length) return;
    yield { type: box.type, body: data.subarray(at + box.headBytes, at + box.bytes) };
    at += box.bytes;
  }
}

/** The body of the box at a path such as `mdia/minf/stbl`, the first of each name. */
export function findBox(data: Buffer, path: string): Buffer | undefined {
  const [name, ...rest] = path.split('/');
  for (const { type, body } of boxesIn(data)) {
    if (type === name) return rest.length === 0 ? body : findBox(body, rest.join('/'));
  }
  return undefined;
}

function findVideoTrack(moov: Buffer) {
  for (const { type, body } of boxesIn(moov)) {
    if (type !== 'trak') continue;
    if (findBox(body, 'mdia/hdlr')?.toString('latin1', 8, 12) !== 'vide') continue;
    const header = findBox(body, 'tkhd');
    return {
      rotation: header === undefined ? (0 as const) : rotationOf(header),
      ...colourOf(findBox(body, 'mdia/minf/stbl/stsd')),
    };
  }
  return undefined;
}

/** The nearest quarter turn of the track header's display matrix. */
function rotationOf(header: Buffer): 0 | 90 | 180 | 270 {
  const matrixAt = (header[0] === 1 ? 36 : 24) + 16;
  if (header.length < matrixAt + 36) return 0;
  const a = header.readInt32BE(matrixAt);
  const b = header.readInt32BE(matrixAt + 4);
  const quarters = Math.round(Math.atan2(b, a) / (Math.PI / 2));
  return ((((quarters % 4) + 4) % 4) * 90) as 0 | 90 | 180 | 270;
}

function colourOf(descriptions: Buffer | undefined) {
  if (descriptions === undefined || descriptions.length < 8) return {};
  const [entry] = boxesIn(descriptions.subarray(8));
  // 78 bytes of visual sample entry come before its boxes.
  const colour = entry === undefined ? undefined : findBox(entry.body.subarray(78), 'colr');
  if (colour === undefined || colour.length < 11) return {};
  if (colour.toString('latin1', 0, 4) !== 'nclx') return {};
  return {
    matrixCoefficients: colour.readUInt16BE(8),
    fullRange: ((colour[10] ?? 0) & 0x80) !== 0,
  };
}
