// What a video file says of itself, by FFmpeg's demuxer and, where it is installed, by the ffprobe program.

import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import {
  AV_PKT_FLAG_KEY,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_RGB,
  AVCOL_TRC_BT709,
  AVCOL_TRC_IEC61966_2_1,
} from 'node-av/constants';
import {
  avGetCodecName,
  avGetPixFmtName,
  FormatContext,
  Packet,
  type CodecParameters,
} from 'node-av/lib';
import { checked, gotOne } from '../../../workers/media/ffmpeg/checked.ts';

/** Primaries, transfer, matrix, range, in FFmpeg's words. */
export type TagWords = readonly [string, string, string, string];

export interface StreamFacts {
  readonly codec: string | null;
  readonly tag: string | null;
  readonly pixelFormat: string | null;
  readonly size: string;
  readonly tags: TagWords;
  /** As a fraction, `24000/1001`. */
  readonly rate: string;
  /** When each frame is shown, in seconds, in the file's order. */
  readonly times: readonly number[];
  /** Which frames are key frames. */
  readonly keys: readonly number[];
}

export async function streamFacts(path: string): Promise<StreamFacts> {
  await using container = new FormatContext();
  checked(await container.openInput(path), 'opening');
  checked(await container.findStreamInfo(), 'looking');
  const [stream] = container.streams;
  const { codecpar, avgFrameRate, timeBase } = stream!;
  const times: number[] = [];
  const keys: number[] = [];
  using packet = new Packet();
  packet.alloc();
  while (gotOne(await container.readFrame(packet), 'reading')) {
    if (packet.hasFlags(AV_PKT_FLAG_KEY)) keys.push(times.length);
    times.push((Number(packet.pts) * timeBase.num) / timeBase.den);
    packet.unref();
  }
  return {
    codec: avGetCodecName(codecpar.codecId),
    tag: codecpar.codecTagString,
    pixelFormat: avGetPixFmtName(codecpar.format as never),
    size: `${codecpar.width}x${codecpar.height}`,
    tags: tagsOf(codecpar),
    rate: `${avgFrameRate.num}/${avgFrameRate.den}`,
    times,
    keys,
  };
}

function tagsOf({ colorPrimaries, colorTrc, colorSpace, colorRange }: CodecParameters): TagWords {
  const name = (names: readonly (readonly [number, string])[], value: number): string =>
    names.find(([known]) => known === value)?.[1] ?? String(value);
  return [
    name([[AVCOL_PRI_BT709, 'bt709']], colorPrimaries),
    name(
      [
        [AVCOL_TRC_BT709, 'bt709'],
        [AVCOL_TRC_IEC61966_2_1, 'iec61966-2-1'],
      ],
      colorTrc,
    ),
    name(
      [
        [AVCOL_SPC_BT709, 'bt709'],
        [AVCOL_SPC_RGB, 'gbr'],
      ],
      colorSpace,
    ),
    name(
      [
        [AVCOL_RANGE_MPEG, 'tv'],
        [AVCOL_RANGE_JPEG, 'pc'],
      ],
      colorRange,
    ),
  ];
}

export const hasFfprobe = spawnSync('ffprobe', ['-version']).status === 0;

/** What ffprobe prints of the first stream, and how many frames it decodes. */
export async function ffprobeFacts(
  path: string,
): Promise<Readonly<Record<string, string | number>>> {
  const entries =
    'color_primaries,color_transfer,color_space,color_range,codec_name,nb_read_frames';
  const { stdout } = await promisify(execFile)('ffprobe', [
    ...['-v', 'error', '-count_frames', '-of', 'json'],
    ...['-show_entries', `stream=${entries},avg_frame_rate,start_time`, path],
  ]);
  const { streams } = JSON.parse(stdout) as { streams: Record<string, string | number>[] };
  return streams[0]!;
}
