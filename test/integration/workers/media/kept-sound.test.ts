// Goal: sound goes from file to file as it is: the packets that sound while the frames are shown, each with its bytes and at its time.
// Method: clips in each codec and container, by a real media process; packets read back by FFmpeg's demuxer, those of the source held beside.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MOVIE_FILES, type MovieFormat } from '../../../../common/outputs/output-formats.ts';
import { SOUND_CODECS } from '../../../../common/outputs/sound-codecs.ts';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import { fixture } from '../../../support/media/clips.ts';
import { soundFile, soundOfFile, type SoundPacket } from '../../../support/media/sound-packets.ts';
import { indicesIn } from '../../../support/media/index-pictures.ts';

const RATE = 12;
const FRAMES = 24;
const WHOLE = { start: 0, frames: FRAMES };
/** Ends and begins within packets of every codec. */
const CUT = { start: 7, frames: 10 };
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  aac: ['aac.mp4', 'aac.m2t', 'aac.mkv'],
  mp3: ['mp3.mp4', 'mp3.avi'],
  mp2: ['mp2.mkv'],
  ac3: ['ac3.mp4'],
  eac3: ['eac3.mp4'],
  alac: ['alac.mov'],
  opus: ['opus.mp4', 'opus.webm'],
  vorbis: ['vorbis.webm'],
  flac: ['flac.mkv'],
  pcm_s16le: ['pcm_s16le.mov', 'pcm_s16le.avi'],
  pcm_s16be: ['pcm_s16be.mov'],
  pcm_s24le: ['pcm_s24le.mkv'],
};
/** Their clocks tick once a millisecond. */
const COARSE = new Set(['.mkv', '.webm']);
/** MPEG-TS has a header of seven bytes before each packet of AAC, which no other container has. */
const ADTS_DIGITS = 14;

await using media = createMediaService();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-sound-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Span {
  readonly start: number;
  readonly frames: number;
}

let written = 0;
async function keep(name: string, format: MovieFormat, { start, frames }: Span): Promise<string> {
  const source = soundFile(name);
  const { width, height, sound } = await media.probe(source);
  const path = join(folder, `${written++}${MOVIE_FILES[format].ending}`);
  const size = { width, height };
  const indices = Array.from({ length: frames }, (_, i) => start + i);
  const decoded = media.decode({ path: source, indices, size, resize: 'stretch' });
  const pictures = async function* (): AsyncGenerator<Uint8Array> {
    for await (const { rgb } of decoded) yield rgb;
  };
  const fromSeconds = sound!.firstFrameSeconds + start / RATE;
  const kept = { path: source, fromSeconds, seconds: frames / RATE };
  await media.encode({ path, format, framesPerSecond: RATE, ...size, sound: kept }, pictures());
  return path;
}

/** The run of the source's packets that these are, times counted from the first frame. */
async function runOf(name: string, packets: readonly SoundPacket[], { start }: Span) {
  const source = soundFile(name);
  const from = (await media.probe(source)).sound!.firstFrameSeconds + start / RATE;
  const isAdts = extname(name) === '.m2t';
  const theirs = (await soundOfFile(source))!.packets.map(({ begin, end, bytes }) => {
    return {
      begin: begin - from,
      end: end - from,
      bytes: isAdts ? bytes.slice(ADTS_DIGITS) : bytes,
    };
  });
  const first = theirs.findIndex(
    ({ begin, bytes }) => bytes === packets[0]!.bytes && Math.abs(begin - packets[0]!.begin) < 2e-3,
  );
  expect(first, 'the first packet is one of the source’s').toBeGreaterThanOrEqual(0);
  return { theirs, run: theirs.slice(first, first + packets.length) };
}

const PAIRS = (Object.entries(SOUND_CODECS) as [MovieFormat, readonly string[]][]).flatMap(
  ([format, codecs]) =>
    codecs.flatMap((codec) => SOURCES[codec]!.map((name) => [format, name, codec] as const)),
);

describe.each(PAIRS)('%s of %s', (format, name, codec) => {
  const isCoarse = COARSE.has(MOVIE_FILES[format].ending);
  it.each([
    ['the whole', WHOLE],
    ['a part', CUT],
  ])('keeps the packets of %s', async (_, span) => {
    const file = await keep(name, format, span);
    const sound = await soundOfFile(file);
    expect(sound?.codec).toBe(codec);
    const { packets } = sound!;
    const { theirs, run } = await runOf(name, packets, span);
    expect(packets.map(({ bytes }) => bytes)).toEqual(run.map(({ bytes }) => bytes));

    const off = packets.map(({ begin }, i) => Math.abs(begin - run[i]!.begin));
    expect(Math.max(...off)).toBeLessThan(isCoarse ? 1.1e-3 : 6e-4);

    const seconds = span.frames / RATE;
    const [first, last] = [run[0]!, run.at(-1)!];
    const before = theirs.filter(({ end }) => end <= 0 && end > -1).length;
    const early = run.filter(({ end }) => end <= 0).length;
    // Opus in Matroska begins with a packet of its own, if need be with the one after the first frame.
    const isLate = codec === 'opus' && isCoarse;
    expect(first.begin).toBeLessThanOrEqual(isLate ? 0.021 : 1e-3);
    expect(early).toBe(isLate ? 0 : Math.min(1, before));
    expect(last.begin).toBeLessThan(seconds);
    expect(last.end).toBeGreaterThanOrEqual(Math.min(seconds, theirs.at(-1)!.end) - 1e-3);
    // Where there are edit lists, not a sample more.
    if (!isCoarse) expect(sound!.seconds).toBeCloseTo(seconds, 2);
    expect(await indicesIn(media, file)).toEqual(
      Array.from({ length: span.frames }, (_, i) => span.start + i),
    );
  });
});

describe('sound', () => {
  it('that begins after the first frame stays as late', async () => {
    const sound = await soundOfFile(await keep('late.mp4', 'mp4', { start: 8, frames: 16 }));
    const { packets } = sound!;
    const { theirs } = await runOf('late.mp4', packets, { start: 8, frames: 16 });
    expect(packets.map(({ bytes }) => bytes)).toEqual(theirs.map(({ bytes }) => bytes));
    expect(packets[0]!.end).toBeCloseTo(1 - 8 / RATE, 2);
  });

  it('that is not there while the frames are shown leaves a file without a track', async () => {
    const file = await keep('late.mp4', 'mp4', { start: 0, frames: 8 });
    expect(await soundOfFile(file)).toBeUndefined();
    expect(await indicesIn(media, file)).toHaveLength(8);
  });

  it('is of the track that is marked as default', async () => {
    const name = 'second-is-default.mp4';
    const { packets } = (await soundOfFile(await keep(name, 'mp4', WHOLE)))!;
    const { theirs } = await runOf(name, packets, WHOLE);
    // 24,000 samples a second: half as many packets as the other track has.
    expect(packets).toHaveLength(48);
    expect(packets.map(({ bytes }) => bytes)).toEqual(theirs.map(({ bytes }) => bytes));
  });

  it('gives the same bytes each time', async () => {
    const files = [await keep('aac.mp4', 'mp4', CUT), await keep('aac.mp4', 'mp4', CUT)];
    const [one, other] = await Promise.all(files.map((file) => readFile(file)));
    expect(one!.equals(other!)).toBe(true);
  });
});

describe('what is told of sound', () => {
  it('is its codec, when the first frame is shown, and a rate that it can go with', async () => {
    const { sound } = await media.probe(soundFile('aac.mp4'));
    expect(sound).toEqual({ codec: 'aac', firstFrameSeconds: 0, steadyRate: RATE });
    const ofStream = (await media.probe(soundFile('aac.m2t'))).sound!;
    expect(ofStream).toMatchObject({ codec: 'aac', steadyRate: RATE });
    expect(ofStream.firstFrameSeconds).toBeGreaterThan(1);
  });

  it('is no rate where frames do not keep to one', async () => {
    const { sound } = await media.probe(soundFile('uneven.mp4'));
    expect(sound).toEqual({ codec: 'aac', firstFrameSeconds: 0 });
  });

  it('is nothing where there is none', async () => {
    expect(await media.probe(fixture('vp9.webm'))).not.toHaveProperty('sound');
  });
});
