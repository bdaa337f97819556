// Bytes as the rest of the program knows them.

/** A view that is a Uint8Array and no Buffer, so that it crosses process and thread borders as one. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
