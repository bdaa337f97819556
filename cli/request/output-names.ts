// What outputs may be called: endings that fit the format, and a place for each. Names as text alone; what is there is looked at elsewhere.

import { extname } from 'node:path';

import {
  comparisonFormat,
  endingOf,
  formatOfEnding,
  isSequence,
} from '../../common/outputs/output-formats.ts';
import type { OutputFormat } from '../../common/outputs/output-formats.ts';

/** The format that an output's name alone asks for; undefined when its ending says nothing we know. */
export function formatOfName(path: string): OutputFormat | undefined {
  if (/[/\\]$/.test(path)) return 'png-sequence';
  const ending = /[^./\\](\.[^./\\]+)$/.exec(path)?.[1] ?? '';
  return formatOfEnding(ending.toLowerCase());
}

/** The names of a clip and of what shows it otherwise. */
export interface OutputNames {
  readonly output?: string;
  readonly comparison?: string;
  readonly contactSheet?: string;
}

/** What is wrong with the endings of the outputs of a clip in this format. `nameOf` gives what users call a field. */
export function endingProblems(
  { output, comparison, contactSheet }: OutputNames,
  format: OutputFormat,
  nameOf: (field: string) => string,
): string[] {
  const problems: string[] = [];
  if (output !== undefined && !isNamedAs(output, format)) {
    const isFolder = isSequence(formatOfName(output) ?? '');
    problems.push(
      isSequence(format)
        ? `${nameOf('output')}: ${format} fills a folder, and ${output} looks like a file`
        : `${nameOf('output')}: ${output} ${isFolder ? 'names a folder and ' : ''}does not end in ${endingOf(format)}, as files in the format ${format} do`,
    );
  }
  const movie = comparisonFormat(format);
  if (comparison !== undefined && !isNamedAs(comparison, movie)) {
    const ending = endingOf(movie);
    problems.push(
      `${nameOf('output.comparison')}: ${comparison} does not end in ${ending}; it has the output's format`,
    );
  }
  if (contactSheet !== undefined && extname(contactSheet).toLowerCase() !== '.png') {
    problems.push(`${nameOf('output.contactSheet')}: ${contactSheet} does not end in .png`);
  }
  return problems;
}

/** Something to write, and what users call it. */
export interface NamedPlace {
  readonly called: string;
  /** Absolute; a slash at its end says nothing here. */
  readonly path: string;
}

/** Which of the places are the same, or lie inside another: a file has nothing inside, and a folder of frames nothing else. */
export function clashProblems(places: readonly NamedPlace[]): string[] {
  const problems: string[] = [];
  const plain = places.map(({ called, path }) => ({ called, path: path.replace(/\/$/, '') }));
  for (const [index, one] of plain.entries()) {
    for (const before of plain.slice(0, index)) {
      if (one.path === before.path) {
        problems.push(`${one.called}: ${before.called} has the same name, ${one.path}`);
      } else if (isInside(one, before)) problems.push(insideText(one, before));
      else if (isInside(before, one)) problems.push(insideText(before, one));
    }
  }
  return problems;
}

function isInside(inner: NamedPlace, outer: NamedPlace): boolean {
  return inner.path.startsWith(`${outer.path}/`);
}

function insideText(inner: NamedPlace, outer: NamedPlace): string {
  return `${inner.called}: ${inner.path} is inside ${outer.path}, which ${outer.called} names`;
}

/** Whether a file, or folder, of this name may be in this format. Several formats share an ending. */
function isNamedAs(name: string, format: OutputFormat): boolean {
  const own = formatOfName(name);
  return own !== undefined && endingOf(own) === endingOf(format);
}
