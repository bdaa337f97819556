// Goal: what is written by hand is what the generated code writes, byte for byte.

import { expect, it } from 'vitest';

import { ArtifactServiceService } from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import { HeldServiceService } from '../../../../common/gen/bivdiff/v1/held_service.ts';
import {
  CHUNKED_ARTIFACT_SERVICE,
  CHUNKED_HELD_SERVICE,
} from '../../../../common/rpc/chunk-services.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';

const LENGTHS = [0, 1, 127, 128, 16_383, 16_384, 262_144, 2_097_152];

it.each(LENGTHS)('writes %d bytes as the generated code does', (length) => {
  const chunk = bytesOf(`chunk ${length}`, length);
  const frameDigests = bytesOf('digests', 96);
  const answer = { chunk };
  expect(CHUNKED_ARTIFACT_SERVICE.readArtifact.responseSerialize(answer)).toEqual(
    ArtifactServiceService.readArtifact.responseSerialize(answer),
  );
  for (const digests of [frameDigests, new Uint8Array(), chunk]) {
    const frames = { frameDigests: digests, chunk };
    expect(CHUNKED_HELD_SERVICE.readFrames.responseSerialize(frames)).toEqual(
      HeldServiceService.readFrames.responseSerialize(frames),
    );
  }
});
