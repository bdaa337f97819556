// Whether a job's outputs can be written: their sizes, rates and lengths in their formats. Pure; what no encoder takes is told before
// anything is drawn, by the field of the spec that asked for it.

import { isSequence } from '../../common/outputs/output-formats.ts';
import type { MovieFormat } from '../../common/outputs/output-formats.ts';
import {
  isTooSmall,
  lengthProblem,
  rateProblem,
  sizeProblem,
} from '../../common/outputs/output-limits.ts';
import type { PictureFormat } from '../../common/outputs/output-limits.ts';
import { comparisonSize, contactSheetSize } from '../../common/outputs/panel-size.ts';
import type { PictureSize } from '../../common/outputs/panel-size.ts';
import type { AssembleParams } from '../../common/stages.ts';

export interface OutputChecks {
  /** Of one frame. */
  readonly size: PictureSize;
  readonly frames: number;
  /** Pictures that a comparison shows side by side, and rows of a contact sheet. @default 3 */
  readonly panels?: number;
  readonly outputs: readonly AssembleParams[];
}

/** What is told instead of a format that does not do. */
const MOVIE_FORMATS = ['mp4', 'webm'] as const;
const OTHER_FORMATS = [...MOVIE_FORMATS, 'png'] as const;

/** Every reason why an output cannot be written, as `field: what and what to do`; each once. */
export function outputProblems(checks: OutputChecks): string[] {
  const problems = checks.outputs.flatMap((output) => {
    switch (output.layout) {
      case 'clip':
        return clipProblems(output, checks);
      case 'comparison':
        return comparisonProblems(output, checks);
      case 'contact-sheet':
        return contactSheetProblems(checks);
    }
  });
  return [...new Set(problems)];
}

function clipProblems(output: AssembleParams, { size, frames }: OutputChecks): string[] {
  const format = pictureFormatOf(output.format);
  const { framesPerSecond } = output;
  const movie = { size, frames, framesPerSecond };
  const others = OTHER_FORMATS.filter((other) => fits(other, movie));
  const limits = sizeProblem(format, size);
  if (limits !== undefined) {
    const isSmall = isTooSmall(format, size);
    const what = `frames of ${nameOf(size)} are too ${isSmall ? 'small' : 'large'}: ${limits}`;
    const another = isSmall ? 'a larger size' : 'a smaller size';
    return others.length === 0
      ? [`size: ${what}; choose ${another}`]
      : [`output.format: ${what}; choose ${wordsOf(others)}, or ${another}`];
  }
  if (format === 'png') return [];
  const instead = others.length === 0 ? 'choose' : `choose ${wordsOf(others)}, or`;
  return [
    ...rateProblems(format, framesPerSecond),
    ...lengthProblems('output.format', format, { movie, remedy: `${instead} fewer frames` }),
  ];
}

function comparisonProblems(output: AssembleParams, checks: OutputChecks): string[] {
  const format = pictureFormatOf(output.format);
  const { frames, panels = 3 } = checks;
  const { framesPerSecond } = output;
  const size = comparisonSize(Array<PictureSize>(panels).fill(checks.size));
  const movie = { size, frames, framesPerSecond };
  // It has the clip's format: one in which both can be written.
  const others = MOVIE_FORMATS.filter(
    (other) => fits(other, movie) && fits(other, { ...movie, size: checks.size }),
  );
  const instead = others.length === 0 ? 'choose' : `choose the format ${wordsOf(others)},`;
  const limits = sizeProblem(format, size);
  if (limits !== undefined) {
    return [
      `output.comparison: ${panels} pictures side by side are ${nameOf(size)}, too large: ${limits}; ` +
        `${instead} a smaller size, or leave the comparison out`,
    ];
  }
  if (format === 'png') return [];
  const remedy = `${instead} fewer frames, or leave the comparison out`;
  return [
    ...rateProblems(format, framesPerSecond),
    ...lengthProblems('output.comparison', format, { movie, remedy }),
  ];
}

function contactSheetProblems({ size, frames, panels = 3 }: OutputChecks): string[] {
  const rows = Array.from({ length: panels }, () => ({ picture: size, frames }));
  const sheet = contactSheetSize(rows);
  const limits = sizeProblem('png', sheet);
  if (limits === undefined) return [];
  return [
    `output.contactSheet: ${panels} rows of pictures of ${nameOf(size)} are ${nameOf(sheet)}, too large: ` +
      `${limits}; choose a smaller size or leave the contact sheet out`,
  ];
}

/** Of a clip and its comparison the rate is the same, and then it is told once. */
function rateProblems(format: MovieFormat, framesPerSecond: number): string[] {
  const rate = rateProblem(format, framesPerSecond);
  if (rate === undefined) return [];
  return [`output.framesPerSecond: ${framesPerSecond} cannot be written: ${rate}`];
}

function lengthProblems(
  field: string,
  format: MovieFormat,
  { movie, remedy }: { readonly movie: Movie; readonly remedy: string },
): string[] {
  const length = lengthProblem(format, movie.frames, movie.size);
  return length === undefined
    ? []
    : [`${field}: ${movie.frames} frames are too many: ${length}; ${remedy}`];
}

interface Movie {
  readonly size: PictureSize;
  readonly frames: number;
  readonly framesPerSecond: number;
}

/** Whether all of it can be written so: what is told as a remedy must be one. */
function fits(format: PictureFormat, { size, frames, framesPerSecond }: Movie): boolean {
  if (sizeProblem(format, size) !== undefined) return false;
  if (format === 'png') return true;
  const problem = rateProblem(format, framesPerSecond) ?? lengthProblem(format, frames, size);
  return problem === undefined;
}

function pictureFormatOf(format: AssembleParams['format']): PictureFormat {
  return isSequence(format) ? 'png' : format;
}

/** `mp4, webm or png-sequence`. */
function wordsOf(formats: readonly PictureFormat[]): string {
  const words = formats.map((format) => (format === 'png' ? 'png-sequence' : format));
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

function nameOf({ width, height }: PictureSize): string {
  return `${width}x${height}`;
}
