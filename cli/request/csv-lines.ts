// The lines of a CSV batch: a header of flag names, and for each further row its settings and where it begins. Knows nothing of what the
// settings mean.

import { parse } from 'csv-parse/sync';

import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { findFlag } from '../flags/find-flag.ts';
import { nearestWord } from '../flags/nearest.ts';
import type { Fields } from './spec-layer.ts';

/** One render of a batch. */
export interface BatchLine {
  /** From 1, as an editor counts: where it begins. */
  readonly number: number;
  readonly settings: Fields | undefined;
  readonly problems: readonly string[];
}

interface Row {
  readonly number: number;
  readonly cells: readonly string[];
}

/** The rows below the header; or, where the file cannot be read so, what is wrong with it. */
export function csvLines(text: string): BatchLine[] {
  const { rows, problem } = readRows(text);
  if (problem !== undefined) return [problem];
  const [header, ...others] = rows;
  if (header === undefined) return [];
  const names = header.cells.map((name) => name.replace(/^--/, ''));
  const wrong = headerProblems(names);
  if (wrong.length > 0) return [{ number: header.number, settings: undefined, problems: wrong }];
  return others.map(({ number, cells }) => {
    if (cells.length === names.length) {
      const settings = Object.fromEntries(names.map((name, i) => [name, cells[i]]));
      return { number, settings, problems: [] };
    }
    const counts = `${cells.length} cells, and the first line names ${names.length}`;
    const problem = `${counts}; a cell that has a comma stands in quotes`;
    return { number, settings: undefined, problems: [problem] };
  });
}

/**
 * The parser's own line numbers are of a row's end, and count the two characters of a Windows line end inside quotes as two lines. Its
 * offsets are right, so lines are counted here.
 */
function readRows(text: string): { readonly rows: Row[]; readonly problem?: BatchLine } {
  const rows: Row[] = [];
  const bytes = Buffer.from(text);
  let end = 0;
  const place = lineCounter(bytes);
  try {
    parse(bytes, {
      ...{ trim: true, skip_empty_lines: true, relax_column_count: true },
      on_record: (cells: string[], { bytes: to }: { readonly bytes: number }) => {
        rows.push({ number: place(end), cells });
        end = to;
        return null;
      },
    });
    return { rows };
  } catch (reason) {
    const problems = [`not CSV: ${wordsOf(reason)}`];
    return { rows, problem: { number: place(end), settings: undefined, problems } };
  }
}

const CARRIAGE_RETURN = 0x0d;
const NEWLINE = 0x0a;

/** Gives the line, from 1, of the first character at or after an offset that ends no line. Offsets must not go back. */
function lineCounter(bytes: Uint8Array): (offset: number) => number {
  let line = 1;
  let at = 0;
  const step = (): void => {
    const isEnd =
      bytes[at] === NEWLINE || (bytes[at] === CARRIAGE_RETURN && bytes[at + 1] !== NEWLINE);
    if (isEnd) line += 1;
    at += 1;
  };
  return (offset) => {
    while (at < offset) step();
    while (bytes[at] === NEWLINE || bytes[at] === CARRIAGE_RETURN) step();
    return line;
  };
}

function wordsOf(reason: unknown): string {
  const { code = '', message } = reason as { readonly code?: string; readonly message: string };
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a cell that begins with a quote (") does not end with one';
    case 'INVALID_OPENING_QUOTE':
      return 'a quote (") inside a cell; such a cell stands in quotes, and each quote in it twice';
    case 'CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'something after the quote (") that ends a cell; a quote inside a cell stands twice';
    default:
      return message;
  }
}

function headerProblems(names: readonly string[]): string[] {
  return names.flatMap((name, index) => {
    if (findFlag(name) === undefined) return [unknownHeader(name)];
    return names.indexOf(name) < index ? [`${name} is there twice`] : [];
  });
}

function unknownHeader(header: string): string {
  const meant = nearestWord(
    header,
    RENDER_FLAGS.map((flag) => flag.name),
  );
  return `no flag is called "${header}"${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}
