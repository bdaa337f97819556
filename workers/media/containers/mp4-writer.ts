// Writes H.264 samples as an MP4: index in front, colour tags, no times of creation, so equal samples give equal
// bytes. ISO/IEC 14496-12 (boxes), 14496-15 (avc1). Home-made: the codec library's muxer writes no colour tags.

import { frameRateOf } from '../frame-rate.ts';
import type { SampleFacts } from './sample-spool.ts';

export interface Mp4Track {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** The decoder's set-up record (avcC), as the encoder gives it. */
  readonly avcConfig: Uint8Array;
  /** In decode order, which is display order: the encoder makes no B-frames. */
  readonly samples: readonly SampleFacts[];
}

/** Everything before the first sample: the file is this, then the samples one after the other. */
export function mp4Head(track: Mp4Track): Uint8Array {
  const bytes = track.samples.reduce((sum, sample) => sum + sample.bytes, 0);
  const large = bytes > 0xf000_0000;
  const type = box('ftyp', text('isom'), u32(512), text('isomiso2avc1mp41'));
  const mediaHead = large
    ? Buffer.concat([u32(1), text('mdat'), u64(bytes + 16)])
    : Buffer.concat([u32(bytes + 8), text('mdat')]);
  // The index's size does not depend on the offset in it, so it is made twice.
  const offset = type.length + indexBox(track, 0, large).length + mediaHead.length;
  return Buffer.concat([type, indexBox(track, offset, large), mediaHead]);
}

function indexBox(track: Mp4Track, samplesAt: number, large: boolean): Buffer {
  const rate = frameRateOf(track.framesPerSecond);
  const factor = Math.ceil(1000 / rate.numerator);
  const timescale = rate.numerator * factor;
  const sampleTicks = rate.denominator * factor;
  const duration = track.samples.length * sampleTicks;
  const movie = fullBox('mvhd', 0, [
    u32(0, 0, timescale, duration, 0x10000),
    Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    unityMatrix(),
    u32(0, 0, 0, 0, 0, 0, 2),
  ]);
  const trackHeader = fullBox('tkhd', 3, [
    u32(0, 0, 1, 0, duration, 0, 0, 0, 0),
    unityMatrix(),
    u32(track.width * 0x10000, track.height * 0x10000),
  ]);
  const media = box(
    'mdia',
    // 0x55c4: language undetermined.
    fullBox('mdhd', 0, [u32(0, 0, timescale, duration), u16(0x55c4, 0)]),
    fullBox('hdlr', 0, [u32(0), text('vide'), u32(0, 0, 0), text('VideoHandler\0')]),
    box(
      'minf',
      fullBox('vmhd', 1, [u32(0, 0)]),
      box('dinf', fullBox('dref', 0, [u32(1), fullBox('url ', 1, [])])),
      sampleTable(track, { samplesAt, large, sampleTicks }),
    ),
  );
  return box('moov', movie, box('trak', trackHeader, media));
}

function sampleTable(
  track: Mp4Track,
  at: { readonly samplesAt: number; readonly large: boolean; readonly sampleTicks: number },
): Buffer {
  const { samples } = track;
  const count = samples.length;
  const keys = samples.flatMap((sample, i) => (sample.key ? [i + 1] : []));
  const offset = at.large
    ? fullBox('co64', 0, [u32(count === 0 ? 0 : 1), ...(count === 0 ? [] : [u64(at.samplesAt)])])
    : fullBox('stco', 0, [u32(...(count === 0 ? [0] : [1, at.samplesAt]))]);
  return box(
    'stbl',
    fullBox('stsd', 0, [u32(1), sampleEntry(track)]),
    fullBox('stts', 0, [u32(...(count === 0 ? [0] : [1, count, at.sampleTicks]))]),
    fullBox('stss', 0, [u32(keys.length), tableOf(keys)]),
    fullBox('stsc', 0, [u32(...(count === 0 ? [0] : [1, 1, count, 1]))]),
    fullBox('stsz', 0, [u32(0, count), tableOf(samples.map((sample) => sample.bytes))]),
    offset,
  );
}

function sampleEntry(track: Mp4Track): Buffer {
  return box(
    'avc1',
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
    u32(0, 0, 0, 0),
    u16(track.width, track.height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
    box('avcC', Buffer.from(track.avcConfig)),
    // BT.709 primaries, transfer and matrix; limited range. ISO/IEC 23091-2.
    box('colr', text('nclx'), u16(1, 1, 1), Buffer.from([0])),
    box('pasp', u32(1, 1)),
  );
}

function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), text(type), body]);
}

function fullBox(type: string, flags: number, parts: readonly Uint8Array[]): Buffer {
  return box(type, u32(flags), ...parts);
}

function unityMatrix(): Buffer {
  return u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
}

function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value, i * 2));
  return bytes;
}

function u32(...values: readonly number[]): Buffer {
  return tableOf(values);
}

function tableOf(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}
