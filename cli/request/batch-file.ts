// Batch files: one render a line, as JSON (JSONL) or as CSV with flag names for headers. Reads and checks; every
// problem of every line comes in one error, before anything runs.

import { dirname, extname, resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { csvLines } from './csv-lines.ts';
import type { BatchLine } from './csv-lines.ts';
import { checkBatchLine } from './render-request.ts';
import type { RenderRequest, RequestOptions } from './render-request.ts';
import { specLayer } from './spec-layer.ts';
import type { Fields, LayerOptions, SpecLayer } from './spec-layer.ts';

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
  const text = await readTextFile(path, `reading the batch ${path}`);
  const lines = spelling === 'cells' ? csvLines(text) : jsonLines(text);
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

function jsonLines(text: string): BatchLine[] {
  const lines: BatchLine[] = [];
  for (const [index, line] of text.split('\n').entries()) {
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
