// A frame of a clip is the same whatever is decoded before it: from any start, at any stride, however the frames are cut into batches and
// in whatever order the batches come. Else a render would depend on how its work was shared out. Real clips, a real media process.

import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';

import { createMediaService } from '../../../../workers/media/media-service.ts';
import { caseFile } from '../../../support/media/cases.ts';
import { testSeed } from '../../../support/conformance/seed.ts';
import { collect, readIndex } from '../../../support/media/clips.ts';

const size = { width: 64, height: 48 };
const media = createMediaService();
afterAll(() => media.close());

async function decode(path: string, indices: readonly number[]) {
  return collect(media.decode({ path, indices, size, resize: 'stretch' }));
}

interface Reading {
  readonly indices: readonly number[];
  /** Lengths of batches; what is left after them is the last one. */
  readonly cuts: readonly number[];
  readonly backwards: boolean;
}

function readings(frames: number): fc.Arbitrary<Reading> {
  const steps = fc.record({
    start: fc.nat(frames - 1),
    stride: fc.integer({ min: 1, max: 9 }),
    count: fc.integer({ min: 1, max: 12 }),
  });
  const indices = steps.map(({ start, stride, count }) =>
    Array.from({ length: count }, (_, i) => start + i * stride).filter((index) => index < frames),
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6 });
  return fc.record({ indices, cuts, backwards: fc.boolean() });
}

function batchesOf({ indices, cuts, backwards }: Reading): readonly (readonly number[])[] {
  const batches: (readonly number[])[] = [];
  let at = 0;
  for (const length of [...cuts, indices.length]) {
    const batch = indices.slice(at, at + length);
    if (batch.length > 0) batches.push(batch);
    at += length;
  }
  return backwards ? batches.toReversed() : batches;
}

describe.each([
  ['closed groups of pictures', 'gops/closed.mp4', 40],
  ['open groups of pictures', 'gops/open.mp4', 40],
  ['intra refresh', 'gops/intra-refresh.mp4', 40],
  ['pyramids of B-pictures', 'gops/pyramid.mp4', 40],
  ['VP9 with pictures that are not shown', 'gops/vp9-alternate.webm', 40],
  ['AV1 with pictures that are not shown', 'gops/av1.mp4', 40],
  ['HEVC whose random access points are led by others', 'gops/hevc-cra.mp4', 40],
  ['MPEG-2 in a transport stream', 'gops/mpeg2-open.m2t', 40],
  ['HEVC cut at a random access point', 'gops/hevc-cra-cut.mkv', undefined],
  ['H.264 cut in an open group', 'gops/open-cut.mkv', undefined],
  ['fields, of which each frame needs its neighbours', 'fields/top.mp4', 10],
  ['an edit list', 'times/middle-cut-out.mp4', undefined],
  ['frames at uneven times', 'times/uneven.mkv', 10],
  ['fragments', 'times/fragments.mp4', 15],
  ['MPEG-4 part 2 in AVI', 'pixels/mpeg4.avi', 10],
  ['a program stream', 'pixels/mpeg1.mpg', undefined],
  ['Theora', 'pixels/theora.ogv', 6],
  ['a palette that comes once', 'pixels/palette-smc.mov', 4],
  ['an animated PNG', 'animations/opaque.png', 10],
  ['an AVIF sequence', 'animations/sequence.avif', 8],
  ['an animated WebP', 'animations/animated.webp', 8],
  ['packets whose times begin again', 'shapes/size-changes.m2t', undefined],
])('%s', (_, name, expected) => {
  const path = caseFile(name);

  test('gives the same frames from any start and in any batches', async () => {
    const { frames } = await media.probe(path);
    if (expected !== undefined) expect(frames).toBe(expected);
    const all = await decode(path, [...Array(frames).keys()]);
    const counters = all.map(({ rgb }) => readIndex({ ...size, rgb }));
    if (expected !== undefined) expect(new Set(counters).size).toBe(expected);
    const property = fc.asyncProperty(readings(frames), async (reading) => {
      for (const batch of batchesOf(reading)) {
        expect(await decode(path, batch)).toEqual(batch.map((index) => all[index]));
      }
    });
    await fc.assert(property, { numRuns: 20, seed: testSeed() });
  });
});
