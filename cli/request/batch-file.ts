// Batch files: one render a line, as JSON (JSONL) or as CSV with flag names for headers. Reads and checks; every
// problem of every line comes in one error, before anything runs.

import { readFile } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';

import { parse as parseCsv } from 'csv-parse/sync';

import { BivdiffError } from '../../common/errors.ts';
import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { findFlag } from '../flags/find-flag.ts';
import { nearestWord } from '../flags/nearest.ts';
import { checkBatchLine } from './render-request.ts';
import type { RenderRequest, RequestOptions } from './render-request.ts';
import { specLayer } from './spec-layer.ts';
import type { Fields, LayerOptions, SpecLayer } from './spec-layer.ts';

interface BatchLine {
  /** From 1, as an editor counts. */
  readonly number: number;
  readonly settings: Fields | undefined;
  readonly problems: readonly string[];
}

/**
 * The requests of a batch file, in order; the flags are the defaults of its lines.
 * @throws not-found — no such file
 * @throws invalid-argument — lists every problem of every line
 */
export async function requestsFromBatch(
  path: string,
  flags: SpecLayer,
  request: RequestOptions,
): Promise<RenderRequest[]> {
  const spelling = extname(path).toLowerCase() === '.csv' ? 'cells' : 'spec';
  const lines =
    spelling === 'cells' ? csvLines(await readText(path)) : jsonLines(await readText(path));
  if (lines.length === 0) {
    throw new BivdiffError('invalid-argument', `${path} holds no renders`, {
      hint: 'Write one JSON object a line, or CSV with flag names in its first line.',
    });
  }
  const options: LayerOptions = { folder: dirname(resolve(path)), spelling };
  const requests: RenderRequest[] = [];
  const problems: string[] = flags.problems.map((problem) => `the flags: ${problem}`);
  const defaults: SpecLayer = { ...flags, problems: [] };
  for (const line of lines) {
    const place = `line ${line.number}`;
    problems.push(...line.problems.map((problem) => `${place}: ${problem}`));
    if (line.settings === undefined) continue;
    const origin = `${path} ${place}`;
    const check = checkBatchLine(defaults, specLayer(line.settings, options), {
      ...request,
      origin,
    });
    problems.push(...check.problems.map((problem) => `${place}: ${problem}`));
    if (check.request !== undefined) requests.push(check.request);
  }
  // Elsewhere names of outputs say no more than what the job is called.
  if (request.needsOutput) problems.push(...sharedOutputs(requests));
  if (problems.length > 0) throw batchError(path, problems);
  return requests;
}

/** @throws invalid-argument — beside --batch something was typed that each line says for itself */
export function checkBatchFlags(
  specFile: string | undefined,
  typed: Readonly<Record<string, unknown>>,
): void {
  const single = ['output', 'comparison', 'contactSheet', 'report', 'trace'];
  const wrong = single
    .filter((name) => typed[name] !== undefined)
    .map((name) => `--${dashed(name)}`);
  if (specFile !== undefined) wrong.unshift(specFile);
  if (wrong.length === 0) return;
  throw new BivdiffError(
    'invalid-argument',
    `${wrong.join(', ')} cannot go with --batch: each line of a batch names its own`,
    { hint: 'Write it into the lines of the batch file.' },
  );
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Where a request stands in its batch: `line 3`. */
export function placeInBatch({ origin }: RenderRequest, path: string): string {
  return origin.slice(path.length + 1);
}

/** One error for a whole batch; nothing was run. */
export function batchError(path: string, problems: readonly string[]): BivdiffError {
  return new BivdiffError('invalid-argument', `${path}: nothing was run: ${problems.join('; ')}`, {
    hint: 'Mend these lines and run the same command again.',
    details: { problems },
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (reason) {
    throw BivdiffError.from(reason, `reading the batch ${path}`);
  }
}

function jsonLines(text: string): BatchLine[] {
  const lines: BatchLine[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    lines.push({ number: index + 1, ...jsonLine(trimmed) });
  }
  return lines;
}

function jsonLine(line: string): Omit<BatchLine, 'number'> {
  try {
    const settings: unknown = JSON.parse(line);
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) {
      return { settings: settings as Fields, problems: [] };
    }
    return { settings: undefined, problems: ['expected a JSON object'] };
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    return { settings: undefined, problems: [`not JSON: ${why}`] };
  }
}

interface CsvRow {
  readonly record: Fields;
  readonly info: { readonly lines: number };
}

function csvLines(text: string): BatchLine[] {
  let rows: CsvRow[];
  let headers: readonly string[] = [];
  try {
    rows = parseCsv(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
      columns: (names: string[]) => {
        headers = names.map((name) => name.replace(/^--/, ''));
        return [...headers];
      },
    }) as unknown as CsvRow[];
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    return [{ number: 1, settings: undefined, problems: [`not CSV: ${why}`] }];
  }
  const unknown = headers.filter((header) => findFlag(header) === undefined).map(unknownHeader);
  if (unknown.length > 0) return [{ number: 1, settings: undefined, problems: unknown }];
  return rows.map((row) => ({ number: row.info.lines, settings: row.record, problems: [] }));
}

function unknownHeader(header: string): string {
  const meant = nearestWord(
    header,
    RENDER_FLAGS.map((flag) => flag.name),
  );
  return `no flag is called "${header}"${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function sharedOutputs(requests: readonly RenderRequest[]): string[] {
  const owners = new Map<string, string>();
  const problems: string[] = [];
  for (const { files, origin } of requests) {
    for (const file of Object.values(files) as string[]) {
      const owner = owners.get(file);
      if (owner !== undefined && owner !== origin) {
        problems.push(`${origin} writes ${file}, and so does ${owner}`);
      }
      owners.set(file, origin);
    }
  }
  return problems;
}
