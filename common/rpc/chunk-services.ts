// Services whose answers are chunks of bytes, which these copy once. The code that is generated grows a buffer for each, cuts it and copies that: of
// a chunk of 256 KiB a MiB of garbage, and workers hand on many.

import { ArtifactServiceService } from '../gen/bivdiff/v1/artifact_service.ts';
import type { ReadArtifactResponse } from '../gen/bivdiff/v1/artifact_service.ts';
import { HeldServiceService } from '../gen/bivdiff/v1/held_service.ts';
import type { ReadFramesResponse } from '../gen/bivdiff/v1/held_service.ts';

export const CHUNKED_ARTIFACT_SERVICE = {
  ...ArtifactServiceService,
  readArtifact: {
    ...ArtifactServiceService.readArtifact,
    responseSerialize: ({ chunk }: ReadArtifactResponse): Buffer => messageOf([chunk]),
  },
};

export const CHUNKED_HELD_SERVICE = {
  ...HeldServiceService,
  readFrames: {
    ...HeldServiceService.readFrames,
    responseSerialize: ({ frameDigests, chunk }: ReadFramesResponse): Buffer =>
      messageOf([frameDigests, chunk]),
  },
};

/** Of a tag below 16, and of a length. */
const HEAD_BYTES_MAX = 1 + 5;

/** A protobuf message whose fields 1, 2, … are these bytes; those that are empty are left out, as proto3 has it. */
function messageOf(fields: readonly Uint8Array[]): Buffer {
  const room = fields.reduce((sum, { byteLength }) => sum + HEAD_BYTES_MAX + byteLength, 0);
  const message = Buffer.allocUnsafe(room);
  let at = 0;
  for (const [index, bytes] of fields.entries()) {
    if (bytes.byteLength === 0) continue;
    message[at++] = ((index + 1) << 3) | 2;
    let length = bytes.byteLength;
    while (length > 0x7f) {
      message[at++] = (length & 0x7f) | 0x80;
      length >>>= 7;
    }
    message[at++] = length;
    message.set(bytes, at);
    at += bytes.byteLength;
  }
  return message.subarray(0, at);
}
