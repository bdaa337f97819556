// The containers' arithmetic: frame rates, boxes, elements.

import { expect, test } from 'vitest';
import { frameRateOf, timeOfFrame } from '../../../../workers/media/frame-rate.ts';
import { boxesIn, findBox } from '../../../../workers/media/containers/mp4-header.ts';
import { mp4Head } from '../../../../workers/media/containers/mp4-writer.ts';
import { tagVp9KeyFrame } from '../../../../workers/media/video-encoder.ts';
import { layOutWebm } from '../../../../workers/media/containers/webm-writer.ts';

test.each([
  [8, 8, 1],
  [25, 25, 1],
  [23.976, 24_000, 1001],
  [29.97, 30_000, 1001],
  [59.94, 60_000, 1001],
  [12.5, 25, 2],
  [7.25, 29, 4],
])('keeps %d frames a second as %d/%d', (rate, numerator, denominator) => {
  expect(frameRateOf(rate)).toEqual({ numerator, denominator });
});

test('does not drift: an hour of 23.976 ends within a tick', () => {
  const rate = frameRateOf(23.976);
  const index = 86_314;
  expect(timeOfFrame(index, rate, 1000)).toBe(Math.round((index * 1001) / 24));
});

const samples = [
  { bytes: 100, key: true },
  { bytes: 20, key: false },
  { bytes: 30, key: false },
  { bytes: 90, key: true },
];

test('tells an MP4’s player where the samples begin and how long they are', () => {
  const head = Buffer.from(
    mp4Head({
      width: 64,
      height: 48,
      framesPerSecond: 8,
      samples,
      avcConfig: new Uint8Array([1, 2, 3]),
    }),
  );
  expect(head.readUInt32BE(head.length - 8)).toBe(100 + 20 + 30 + 90 + 8);
  const table = findBox(findBox(head.subarray(0, -8), 'moov')!, 'trak/mdia/minf/stbl')!;
  expect([...boxesIn(table)].map((box) => box.type)).toEqual([
    'stsd',
    'stts',
    'stss',
    'stsc',
    'stsz',
    'stco',
  ]);
  expect(findBox(table, 'stco')!.readUInt32BE(8)).toBe(head.length);
  const sizes = findBox(table, 'stsz')!;
  expect([12, 16, 20, 24].map((at) => sizes.readUInt32BE(at))).toEqual([100, 20, 30, 90]);
});

test('opens a WebM cluster at each key frame, and its cues point there', () => {
  const { head, beforeSample } = layOutWebm({ width: 64, height: 48, framesPerSecond: 8, samples });
  const before = samples.map((_, i) => Buffer.from(beforeSample(i)));
  const isCluster = before.map((bytes) => bytes.readUInt32BE(0) === 0x1f43b675);
  expect(isCluster).toEqual([true, false, false, true]);
  // The second cue's position, from the segment's body on, is where the second cluster is.
  const file = Buffer.from(head);
  const bodyAt = file.indexOf(Buffer.from([0x18, 0x53, 0x80, 0x67])) + 12;
  const at = (index: number) =>
    head.length -
    bodyAt +
    before.slice(0, index).reduce((sum, b) => sum + b.length, 0) +
    samples.slice(0, index).reduce((sum, s) => sum + s.bytes, 0);
  const cue = Buffer.alloc(8);
  cue.writeBigUInt64BE(BigInt(at(3) + before[3]!.length - before[3]!.length));
  expect(file.includes(Buffer.concat([Buffer.from([0xf1, 0x88]), cue]))).toBe(true);
});

test('splits a WebM cluster that would outlast its 16-bit clock', () => {
  const long = Array.from({ length: 80 }, (_, i) => ({ bytes: 1, key: i === 0 }));
  const { beforeSample } = layOutWebm({ width: 64, height: 48, framesPerSecond: 1, samples: long });
  const opens = long.flatMap((_, i) => (beforeSample(i).length > 9 ? [i] : []));
  expect(opens).toEqual([0, 31, 62]);
});

test('tags VP9 key frames as BT.709 and leaves other bytes alone', () => {
  const frame = new Uint8Array([0x82, 0x49, 0x83, 0x42, 0b0001_1010, 7]);
  tagVp9KeyFrame(frame);
  expect([...frame]).toEqual([0x82, 0x49, 0x83, 0x42, 0b0101_1010, 7]);
  const other = new Uint8Array([0x82, 1, 2, 3, 4]);
  tagVp9KeyFrame(other);
  expect([...other]).toEqual([0x82, 1, 2, 3, 4]);
});
