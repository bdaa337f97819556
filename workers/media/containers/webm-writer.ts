// Writes VP9 samples as a WebM: seek index in front, colour tags, no random ids, so equal samples give equal bytes.
// RFC 8794 (EBML), RFC 9559 (Matroska). Home-made, since the codec library's muxer draws a random segment id.

import { frameRateOf, timeOfFrame } from '../frame-rate.ts';
import type { SampleFacts } from './sample-spool.ts';

export interface WebmTrack {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** The first has to be a key frame. */
  readonly samples: readonly SampleFacts[];
}

/** The bytes before the first sample, and those right before each of the others. */
export interface WebmLayout {
  readonly head: Uint8Array;
  /** What goes before sample `i`: its block's head, after the cluster's where a cluster begins. */
  readonly beforeSample: (index: number) => Uint8Array;
}

export function layOutWebm(track: WebmTrack): WebmLayout {
  const rate = frameRateOf(track.framesPerSecond);
  const times = track.samples.map((_, i) => timeOfFrame(i, rate, 1000));
  const clusters = clustersOf(track.samples, times);
  const file = element(0x1a45dfa3, [
    uint(0x4286, 1),
    uint(0x42f7, 1),
    uint(0x42f2, 4),
    uint(0x42f3, 8),
    text(0x4282, 'webm'),
    uint(0x4287, 4),
    uint(0x4285, 2),
  ]);
  const info = element(0x1549a966, [
    uint(0x2ad7b1, 1_000_000),
    float(0x4489, timeOfFrame(track.samples.length, rate, 1000)),
    text(0x4d80, 'bivdiff'),
    text(0x5741, 'bivdiff'),
  ]);
  const front = Buffer.concat([info, trackElement(track)]);
  // Cue positions have a fixed width, so the cues' own size is known before the positions are.
  const cueBytes = cueElement(clusters, 0).length;
  const cues = cueElement(clusters, front.length + cueBytes);
  const bodyBytes = clusters.reduce((sum, c) => sum + c.headBytes + c.bodyBytes, 0);
  const segment = Buffer.concat([
    idOf(0x18538067),
    sizeOf(front.length + cues.length + bodyBytes, 8),
    front,
    cues,
  ]);
  const heads = new Map(clusters.map((cluster) => [cluster.first, cluster]));
  return {
    head: Buffer.concat([file, segment]),
    beforeSample: (index) => {
      const opening = heads.get(index);
      const cluster = opening ?? lastAtOrBefore(clusters, index);
      const block = blockHead(track.samples[index]!, times[index]! - cluster.timeMs);
      return opening === undefined ? block : Buffer.concat([clusterHead(opening), block]);
    },
  };
}

interface Cluster {
  readonly first: number;
  readonly timeMs: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
}

const BLOCK_HEAD_BYTES = 1 + 4 + 4;
const CLUSTER_HEAD_BYTES = 4 + 8 + 1 + 1 + 8;
/** A block's time within its cluster is a signed 16-bit number of milliseconds. */
const CLUSTER_MS_MAX = 30_000;

/** A cluster per key frame, split where one would grow too long. */
function clustersOf(samples: readonly SampleFacts[], times: readonly number[]): Cluster[] {
  const clusters: (Cluster & { bodyBytes: number })[] = [];
  samples.forEach((sample, i) => {
    const open = clusters.at(-1);
    const timeMs = times[i]!;
    if (open === undefined || sample.key || timeMs - open.timeMs > CLUSTER_MS_MAX) {
      clusters.push({ first: i, timeMs, headBytes: CLUSTER_HEAD_BYTES, bodyBytes: 0 });
    }
    clusters.at(-1)!.bodyBytes += BLOCK_HEAD_BYTES + sample.bytes;
  });
  return clusters;
}

function lastAtOrBefore(clusters: readonly Cluster[], index: number): Cluster {
  return clusters.findLast((cluster) => cluster.first <= index)!;
}

function clusterHead(cluster: Cluster): Buffer {
  const time = fixedUint(0xe7, cluster.timeMs);
  return Buffer.concat([idOf(0x1f43b675), sizeOf(time.length + cluster.bodyBytes, 8), time]);
}

function blockHead(sample: SampleFacts, relativeMs: number): Buffer {
  const head = Buffer.from([0x81, 0, 0, sample.key ? 0x80 : 0]);
  head.writeInt16BE(relativeMs, 1);
  return Buffer.concat([idOf(0xa3), sizeOf(4 + sample.bytes, 4), head]);
}

function trackElement(track: WebmTrack): Buffer {
  const rate = frameRateOf(track.framesPerSecond);
  const colour = element(0x55b0, [
    uint(0x55b1, 1), // matrix: BT.709
    uint(0x55b2, 8), // bits per channel
    uint(0x55b7, 1), // chroma sited left
    uint(0x55b8, 2), // chroma between the rows
    uint(0x55b9, 1), // range: limited
    uint(0x55ba, 1), // transfer: BT.709
    uint(0x55bb, 1), // primaries: BT.709
  ]);
  const entry = element(0xae, [
    uint(0xd7, 1),
    uint(0x73c5, 1),
    uint(0x83, 1),
    uint(0x9c, 0),
    text(0x86, 'V_VP9'),
    uint(0x23e383, Math.round((rate.denominator * 1e9) / rate.numerator)),
    element(0xe0, [uint(0xb0, track.width), uint(0xba, track.height), colour]),
  ]);
  return element(0x1654ae6b, [entry]);
}

function cueElement(clusters: readonly Cluster[], firstAt: number): Buffer {
  let at = firstAt;
  const points = clusters.map((cluster) => {
    const place = element(0xb7, [uint(0xf7, 1), fixedUint(0xf1, at)]);
    at += cluster.headBytes + cluster.bodyBytes;
    return element(0xbb, [fixedUint(0xb3, cluster.timeMs), place]);
  });
  return element(0x1c53bb6b, points);
}

function element(id: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([idOf(id), sizeOf(body.length, body.length < 127 ? 1 : 4), body]);
}

function uint(id: number, value: number): Buffer {
  const bytes = Math.max(1, Math.ceil(Math.log2(value + 1) / 8));
  const body = Buffer.alloc(bytes);
  body.writeUIntBE(value, 0, bytes);
  return element(id, [body]);
}

function fixedUint(id: number, value: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64BE(BigInt(value));
  return element(id, [body]);
}

function float(id: number, value: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeDoubleBE(value);
  return element(id, [body]);
}

function text(id: number, value: string): Buffer {
  return element(id, [Buffer.from(value, 'latin1')]);
}

function idOf(id: number): Buffer {
  const bytes = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
  const body = Buffer.alloc(bytes);
  body.writeUIntBE(id, 0, bytes);
  return body;
}

function sizeOf(value: number, bytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64BE(BigInt(value) | (1n << BigInt(7 * bytes)));
  return body.subarray(8 - bytes);
}
