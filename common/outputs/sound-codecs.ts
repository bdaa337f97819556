// Which sound each output format can carry as it is. By FFmpeg's names of codecs; each pair is one that is written and read back in
// test/integration/workers/media/kept-sound.test.ts.

import { isSequence, MOVIE_FORMATS } from './output-formats.ts';
import type { MovieFormat, OutputFormat } from './output-formats.ts';

const MP4 = ['aac', 'mp3', 'ac3', 'eac3', 'alac', 'opus', 'flac'] as const;
const PCM = ['pcm_s16le', 'pcm_s16be', 'pcm_s24le'] as const;

/** GIF has no sound, nor have pictures. */
export const SOUND_CODECS: Readonly<Record<MovieFormat, readonly string[]>> = {
  mp4: MP4,
  'mp4-hevc': MP4,
  'mp4-av1': MP4,
  webm: ['opus', 'vorbis'],
  mov: ['aac', 'mp3', 'ac3', 'eac3', 'alac', ...PCM],
  mkv: [...MP4, 'vorbis', 'mp2', ...PCM],
  gif: [],
};

/** Formats that carry it; all that carry any sound if it is not known. In the order of help. */
export function formatsWithSound(codec?: string): readonly MovieFormat[] {
  return MOVIE_FORMATS.filter((format) => {
    const carried = SOUND_CODECS[format];
    return codec === undefined ? carried.length > 0 : carried.includes(codec);
  });
}

export function carriesSound(format: OutputFormat, codec: string): boolean {
  return !isSequence(format) && SOUND_CODECS[format].includes(codec);
}
