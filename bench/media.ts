// Bench: reading a clip to RGB and writing it again, beside the `ffmpeg` program at the same settings, in turn. By the media service, whose two
// processes run already, as a worker's do; and by `bivdiff roundtrip`, which starts a program and both processes.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { BivdiffError } from '../common/errors.ts';
import { OUTPUT_CODECS } from '../workers/media/ffmpeg/output-codecs.ts';
import { createMediaService, type MediaService } from '../workers/media/media-service.ts';

const ROUNDS = 5;
const FRAMES = 300;
const SIDE = 512;
const root = join(import.meta.dirname, '..');
/** What our reading and writing ask of FFmpeg's scaler. */
const TO_RGB = 'scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';
const FROM_RGB =
  'scale=flags=bicubic+accurate_rnd+bitexact+full_chroma_inp:out_color_matrix=bt709:out_range=tv';

export interface MediaFigures {
  readonly ratio: number;
  readonly service: readonly number[];
  readonly command: readonly number[];
  readonly ffmpeg: readonly number[];
  readonly lines: readonly string[];
}

/** Undefined where there is no `ffmpeg` to compare with; says so. */
export async function compareFfmpeg(folder: string): Promise<MediaFigures | undefined> {
  if (!hasFfmpeg()) return undefined;
  const clip = join(folder, 'media.mp4');
  const picture = `testsrc2=size=${SIDE}x${SIDE}:rate=25,noise=alls=8:allf=t`;
  seconds('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', picture, '-frames:v', String(FRAMES)],
    ...['-c:v', 'libx264', '-crf', '20', '-pix_fmt', 'yuv420p', clip],
  ]);
  await using media = createMediaService();
  const service: number[] = [];
  const command: number[] = [];
  const ffmpeg: number[] = [];
  await byService(media, clip, join(folder, 'warm-up.mp4'));
  for (let round = 0; round < ROUNDS; round += 1) {
    service.push(await byService(media, clip, join(folder, `service-${round}.mp4`)));
    ffmpeg.push(seconds('ffmpeg', ffmpegWords(clip, join(folder, 'theirs.mp4'))));
    command.push(seconds(process.execPath, roundtripWords(clip, join(folder, 'command.mp4'))));
  }
  const theirs = median(ffmpeg);
  const told = (name: string, ours: readonly number[]): string =>
    `${FRAMES} frames of ${SIDE}x${SIDE} to RGB and back to H.264: ${name} ${median(ours).toFixed(2)} s, ` +
    `ffmpeg ${theirs.toFixed(2)} s, ratio ${(median(ours) / theirs).toFixed(2)}`;
  const lines = [told('media service', service), told('bivdiff roundtrip', command)];
  return { ratio: median(service) / theirs, service, command, ffmpeg, lines };
}

function hasFfmpeg(): boolean {
  const isThere = spawnSync('ffmpeg', ['-version']).status === 0;
  if (!isThere) console.error('media      skipped: there is no ffmpeg on the PATH');
  return isThere;
}

/** Half an hour at 25 a second. */
const LONG_FRAMES = 45_000;
const LONG_SIZES = ['64x64', '320x192'] as const;

export interface LongMediaFigure {
  readonly size: string;
  readonly roundtrip: number;
  readonly ffmpeg: number;
  readonly line: string;
}

/** Half an hour with sound, which both copy: `bivdiff roundtrip --audio keep`, then ffmpeg. Undefined where there is no `ffmpeg`. */
export function compareHalfHour(folder: string): readonly LongMediaFigure[] | undefined {
  if (!hasFfmpeg()) return undefined;
  return LONG_SIZES.map((size) => {
    const clip = join(folder, `half-hour-${size}.mp4`);
    const seconds25 = String(LONG_FRAMES / 25);
    seconds('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`],
      ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', seconds25],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', clip],
    ]);
    const words = roundtripWords(clip, join(folder, 'ours.mp4'));
    const roundtrip = seconds(process.execPath, [...words, '--audio', 'keep']);
    const ffmpeg = seconds('ffmpeg', ffmpegWords(clip, join(folder, 'theirs.mp4')));
    const line =
      `${LONG_FRAMES} frames of ${size} and their sound: bivdiff roundtrip ${roundtrip.toFixed(1)} s, ` +
      `ffmpeg ${ffmpeg.toFixed(1)} s, ratio ${(roundtrip / ffmpeg).toFixed(2)}`;
    return { size, roundtrip, ffmpeg, line };
  });
}

async function byService(media: MediaService, clip: string, path: string): Promise<number> {
  const begun = performance.now();
  const size = { width: SIDE, height: SIDE };
  const indices = [...Array(FRAMES).keys()];
  const decoded = media.decode({ path: clip, indices, size, resize: 'stretch' });
  const frames = async function* (): AsyncGenerator<Uint8Array> {
    for await (const { rgb } of decoded) yield rgb;
  };
  await media.encode({ path, format: 'mp4', framesPerSecond: 25, ...size }, frames());
  return (performance.now() - begun) / 1000;
}

function roundtripWords(clip: string, output: string): string[] {
  return [
    '--disable-warning=ExperimentalWarning',
    ...[join(root, 'cli/main.ts'), 'roundtrip', clip, output, '--overwrite', '--quiet'],
  ];
}

function ffmpegWords(clip: string, output: string): string[] {
  const { options, threads, pixelFormat } = OUTPUT_CODECS.mp4;
  const filters = [
    TO_RGB,
    'format=gbrp',
    TO_RGB,
    'format=rgb24',
    FROM_RGB,
    `format=${pixelFormat}`,
  ];
  return [
    ...['-v', 'error', '-y', '-i', clip, '-vf', filters.join(','), '-c:v', 'libx264'],
    ...Object.entries(options).flatMap(([name, value]) => [`-${name}`, value]),
    ...['-threads', String(threads), '-g', '50', '-movflags', '+faststart', '-c:a', 'copy', output],
  ];
}

function seconds(program: string, words: readonly string[]): number {
  const begun = performance.now();
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new BivdiffError('internal', `${program} failed: ${stderr}`);
  return (performance.now() - begun) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
