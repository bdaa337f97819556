// Whether a job's outputs can be written: their sizes, rates and lengths in their formats. Pure; what no encoder takes is told before
// anything is drawn, by the field of the spec that asked for it.

import { isSequence } from '../../common/output-formats.ts';
import type { MovieFormat } from '../../common/output-formats.ts';
import { isTooSmall, lengthProblem, rateProblem, sizeProblem } from '../../common/output-limits.ts';
import type { PictureFormat } from '../../common/output-limits.ts';
import { comparisonSize, contactSheetSize } from '../../common/panel-size.ts';
import type { PictureSize } from '../../common/panel-size.ts';
import type { AssembleParams } from '../../common/stages.ts';

export interface OutputChecks {
  /** Of one frame. */
  readonly size: PictureSize;
  readonly frames: number;
  /** Pictures that a comparison shows side by side, and rows of a contact sheet. @default 3 */
  readonly panels?: number;
  readonly outputs: readonly AssembleParams[];
}

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
  const limits = sizeProblem(format, size);
  if (limits !== undefined) {
    const others = (['mp4', 'png'] as const).filter((other) => fits(other, size));
    const isSmall = isTooSmall(format, size);
    const what = `frames of ${nameOf(size)} are too ${isSmall ? 'small' : 'large'}: ${limits}`;
    const another = isSmall ? 'a larger size' : 'a smaller size';
    return others.length === 0
      ? [`size: ${what}; choose ${another}`]
      : [`output.format: ${what}; choose ${wordsOf(others)}, or ${another}`];
  }
  if (format === 'png') return [];
  return movieProblems('output.format', format, { size, frames, output });
}

function comparisonProblems(output: AssembleParams, checks: OutputChecks): string[] {
  const format = pictureFormatOf(output.format);
  const { frames, panels = 3 } = checks;
  const size = comparisonSize(Array<PictureSize>(panels).fill(checks.size));
  const limits = sizeProblem(format, size);
  if (limits !== undefined) {
    const instead =
      format !== 'mp4' && fits('mp4', size)
        ? 'choose the format mp4 or'
        : 'choose a smaller size or';
    return [
      `output.comparison: ${panels} pictures side by side are ${nameOf(size)}, too large: ${limits}; ` +
        `${instead} leave the comparison out`,
    ];
  }
  if (format === 'png') return [];
  return movieProblems('output.comparison', format, { size, frames, output });
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

/** Rate and length: of a clip and its comparison the rate is the same, and then it is told once. */
function movieProblems(
  field: string,
  format: MovieFormat,
  movie: { readonly size: PictureSize; readonly frames: number; readonly output: AssembleParams },
): string[] {
  const { size, frames, output } = movie;
  const rate = rateProblem(format, output.framesPerSecond);
  const length = lengthProblem(format, frames, size);
  const instead = field === 'output.comparison' ? ', or leave the comparison out' : '';
  return [
    ...(rate === undefined
      ? []
      : [`output.framesPerSecond: ${output.framesPerSecond} cannot be written: ${rate}`]),
    ...(length === undefined
      ? []
      : [
          `${field}: ${frames} frames are too many: ${length}; choose mp4 or webm, fewer frames${instead}`,
        ]),
  ];
}

function fits(format: PictureFormat, size: PictureSize): boolean {
  return sizeProblem(format, size) === undefined;
}

function pictureFormatOf(format: AssembleParams['format']): PictureFormat {
  return isSequence(format) ? 'png' : format;
}

function wordsOf(formats: readonly ('mp4' | 'png')[]): string {
  return formats.map((format) => (format === 'png' ? 'png-sequence' : format)).join(' or ');
}

function nameOf({ width, height }: PictureSize): string {
  return `${width}x${height}`;
}
