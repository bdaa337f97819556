// The formats that outputs are written in, by the words that users type: what all programs need to know of them. How each is encoded is
// workers/media/ffmpeg/output-codecs.ts; what each can hold, output-limits.ts.

import type { ArtifactType } from '../task.ts';

/**
 * - `mp4`, `mp4-hevc`, `mp4-av1`: H.264, HEVC, AV1 in MP4
 * - `webm`: VP9
 * - `mov`: ProRes 4444
 * - `mkv`: FFV1 in RGB, without loss
 * - `gif`: a palette per clip, endless loop
 */
export const MOVIE_FORMATS = ['mp4', 'mp4-hevc', 'mp4-av1', 'webm', 'mov', 'mkv', 'gif'] as const;
export type MovieFormat = (typeof MOVIE_FORMATS)[number];

/** A folder of PNGs, one a frame, of 8 or of 16 bits. Frames have 8; 16 is for programs that want no less. */
export const SEQUENCE_FORMATS = ['png-sequence', 'png16-sequence'] as const;
export type SequenceFormat = (typeof SEQUENCE_FORMATS)[number];

export const OUTPUT_FORMATS = [...MOVIE_FORMATS, ...SEQUENCE_FORMATS] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export function isSequence(format: string): format is SequenceFormat {
  return (SEQUENCE_FORMATS as readonly string[]).includes(format);
}

/** How the names of a format's files end, and what their bytes are. */
export const MOVIE_FILES: Readonly<
  Record<MovieFormat, { readonly ending: string; readonly type: ArtifactType }>
> = {
  mp4: { ending: '.mp4', type: 'video/mp4' },
  'mp4-hevc': { ending: '.mp4', type: 'video/mp4' },
  'mp4-av1': { ending: '.mp4', type: 'video/mp4' },
  webm: { ending: '.webm', type: 'video/webm' },
  mov: { ending: '.mov', type: 'video/quicktime' },
  mkv: { ending: '.mkv', type: 'video/x-matroska' },
  gif: { ending: '.gif', type: 'image/gif' },
};

const ALPHA_FORMATS: ReadonlySet<string> = new Set<OutputFormat>([
  'mov',
  'mkv',
  ...SEQUENCE_FORMATS,
]);

/** Whether alpha can be kept in it. */
export function keepsAlpha(format: OutputFormat): boolean {
  return ALPHA_FORMATS.has(format);
}

/** The ending of a file in this format; none for a folder. */
export function endingOf(format: OutputFormat): string {
  return isSequence(format) ? '' : MOVIE_FILES[format].ending;
}

/** The format of what shows panels side by side: the clip's own, or of a folder of pictures the plainest. */
export function comparisonFormat(format: OutputFormat): MovieFormat {
  return isSequence(format) ? 'mp4' : format;
}

/** What a name's ending stands for if nothing else is said: the first format that has it. In lower case, with its dot. */
export function formatOfEnding(ending: string): OutputFormat | undefined {
  if (ending === '') return 'png-sequence';
  return MOVIE_FORMATS.find((format) => MOVIE_FILES[format].ending === ending);
}
