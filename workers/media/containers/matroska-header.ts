// Reads from a WebM's or MKV's first elements whether the file is whole. RFC 8794 (EBML), RFC 9559 (Matroska).
// Its rotation and colour elements are rare and not read: streams carry colour tags themselves.

import { open } from 'node:fs/promises';
import type { ContainerHeader } from './mp4-header.ts';

const SEGMENT_ID = 0x18538067;

export async function readMatroskaHeader(path: string): Promise<ContainerHeader> {
  const file = await open(path, 'r');
  try {
    const { size: fileBytes } = await file.stat();
    const head = Buffer.alloc(4096);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const expectedBytes = segmentEnd(head.subarray(0, bytesRead)) ?? fileBytes;
    return { rotation: 0, fileBytes, expectedBytes };
  } finally {
    await file.close();
  }
}

/** Where the Segment ends, or undefined if it is not found or of unknown size, as live streams have it. */
function segmentEnd(head: Buffer): number | undefined {
  let at = 0;
  while (at + 12 <= head.length) {
    const idBytes = Math.clz32(head[at]!) - 23;
    if (idBytes > 4) return undefined;
    const id = head.readUIntBE(at, idBytes);
    const size = sizeAt(head, at + idBytes);
    if (size === undefined) return undefined;
    const bodyAt = at + idBytes + size.bytes;
    if (id === SEGMENT_ID) return size.value === undefined ? undefined : bodyAt + size.value;
    if (size.value === undefined) return undefined;
    at = bodyAt + size.value;
  }
  return undefined;
}

/** A variable-length size; all ones mean unknown. */
function sizeAt(data: Buffer, at: number): { bytes: number; value?: number } | undefined {
  const bytes = Math.clz32(data[at] ?? 0) - 23;
  if (bytes > 8 || at + bytes > data.length) return undefined;
  let value = BigInt(data[at]! & (0xff >> bytes));
  for (let i = 1; i < bytes; i++) value = (value << 8n) | BigInt(data[at + i]!);
  const unknown = value === (1n << BigInt(7 * bytes)) - 1n;
  return unknown ? { bytes } : { bytes, value: Number(value) };
}
