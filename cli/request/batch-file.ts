// Batch files: one render a line, as JSON (JSONL) or as CSV with flag names for headers. Reads and checks; every
// problem of every line comes in one error, before anything runs.

import { extname } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { csvLines } from './csv-lines.ts';
import type { BatchLine } from './csv-lines.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { checkBatchLine, draftBeside } from './render-request.ts';
import type { RenderRequest, RequestDraft, RequestOptions } from './render-request.ts';
import { lookedAt, problemsOfError, problemsOfTexts, refusalOf } from './request-problems.ts';
import type { RequestProblem } from './request-problems.ts';
import { folderOfFile, specLayer } from './spec-layer.ts';
import type { Fields, LayerOptions, SpecLayer } from './spec-layer.ts';

export interface BatchDraft {
  /** Of each line that holds settings, in order. */
  readonly drafts: readonly RequestDraft[];
  /** What the flags say of all of them, the rest unknown. */
  readonly flags: RequestDraft;
  /** What is wrong beside these, each with its place. */
  readonly problems: readonly RequestProblem[];
}

/** The requests of a batch file; the flags are the defaults of its lines. */
export async function draftBatch(
  path: string,
  flags: SpecLayer,
  options: RequestOptions,
): Promise<BatchDraft> {
  const unread: RequestProblem[] = [];
  const lines = await lookedAt(() => readLines(path), unread);
  const alone = draftBeside([], flags, options);
  // Each line would tell them again.
  const ofFlags = alone.problems.map(({ text }) => text);
  const problems = [...unread, ...at('the flags', alone.problems)];
  if (lines === undefined) return { drafts: [alone], flags: alone, problems };
  const defaults: SpecLayer = { ...flags, problems: [] };
  const drafts: RequestDraft[] = [];
  const layerOptions: LayerOptions = {
    folder: folderOfFile(path),
    spelling: isCsv(path) ? 'cells' : 'spec',
  };
  for (const line of lines) {
    const place = `line ${line.number}`;
    problems.push(...at(place, problemsOfTexts(line.problems)));
    if (line.settings === undefined) continue;
    const layer = specLayer(line.settings, layerOptions);
    const draft = checkBatchLine(defaults, layer, { ...options, origin: `${path} ${place}` });
    const own = draft.problems.filter(({ text }) => !ofFlags.includes(text));
    problems.push(...at(place, own));
    drafts.push(draft);
  }
  // Elsewhere names of outputs say no more than what the job is called.
  if (options.needsOutput) problems.push(...problemsOfTexts(sharedOutputs(drafts)));
  return { drafts, flags: alone, problems };
}

/**
 * The requests of a batch of which nothing is wrong.
 * @throws invalid-argument — lists every problem of every line @throws not-found — no such file
 */
export function wholeBatch(path: string, { drafts, problems }: BatchDraft): RenderRequest[] {
  if (problems.length > 0) throw batchRefusal(path, problems);
  return drafts.map(({ request }) => request);
}

/** @throws not-found — no such file @throws invalid-argument — it holds no renders */
async function readLines(path: string): Promise<readonly BatchLine[]> {
  const text = await readTextFile(path, `reading the batch ${path}`);
  const lines = isCsv(path) ? csvLines(text) : jsonLines(text);
  if (lines.length > 0) return lines;
  throw new BivdiffError('invalid-argument', `${path} holds no renders`, {
    hint: 'Write one JSON object a line, or CSV with flag names in its first line.',
  });
}

function isCsv(path: string): boolean {
  return extname(path).toLowerCase() === '.csv';
}

/** Each with its place in the batch before it. */
export function at(place: string, problems: readonly RequestProblem[]): readonly RequestProblem[] {
  return problems.map(({ text }) => ({ text: `${place}: ${text}` }));
}

const OF_LINES = ['output', 'comparison', 'contactSheet', 'report', 'trace'];

/** What was typed beside --batch that each line says for itself; and the flags without it. */
export function flagsBesideBatch(
  specFile: string | undefined,
  typed: TypedFlags,
): { readonly typed: TypedFlags; readonly problems: readonly RequestProblem[] } {
  const wrong = OF_LINES.filter((name) => typed[name] !== undefined).map(
    (name) => `--${dashed(name)}`,
  );
  if (specFile !== undefined) wrong.unshift(specFile);
  const others = Object.entries(typed).filter(([name]) => !OF_LINES.includes(name));
  if (wrong.length === 0) return { typed, problems: [] };
  const error = new BivdiffError(
    'invalid-argument',
    `${wrong.join(', ')} cannot go with --batch: each line of a batch names its own`,
    { hint: 'Write it into the lines of the batch file.' },
  );
  return { typed: Object.fromEntries(others), problems: problemsOfError(error) };
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Where a request stands in its batch: `line 3`, or beside it. */
export function placeInBatch({ origin }: RenderRequest, path: string): string {
  return origin.startsWith(`${path} `) ? origin.slice(path.length + 1) : origin;
}

/** One error for a whole batch; nothing was run. */
export function batchRefusal(path: string, problems: readonly RequestProblem[]): BivdiffError {
  const lineOf = ({ text }: RequestProblem): number => Number(/^line (\d+): /.exec(text)?.[1] ?? 0);
  const inOrder = problems.toSorted((a, b) => lineOf(a) - lineOf(b));
  return refusalOf(inOrder, {
    lead: `${path}: nothing was run: `,
    hint: 'Mend these lines and run the same command again.',
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

function sharedOutputs(drafts: readonly RequestDraft[]): string[] {
  const owners = new Map<string, string>();
  const problems: string[] = [];
  for (const { request } of drafts) {
    const { files, origin } = request;
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
