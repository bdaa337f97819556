// From settings to a request: a checked spec and the files to write. Takes a flags layer, a spec file or a batch
// file; reads those files and nothing else.

import { basename, dirname, extname, resolve } from 'node:path';

import { parse as parseYaml } from 'yaml';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { comparisonFormat, endingOf } from '../../common/outputs/output-formats.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { applyPreset } from './apply-preset.ts';
import { clashProblems, endingProblems } from './output-names.ts';
import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { lookedAt, problemsOfTexts, refusalOf } from './request-problems.ts';
import type { RequestProblem } from './request-problems.ts';
import { EMPTY_LAYER, fieldOf, folderOfFile, mergeLayers, specLayer } from './spec-layer.ts';
import type { Fields, OutputFiles, SpecLayer } from './spec-layer.ts';
import { checkSpec, namesOfFields } from './spec-problems.ts';
import type { NameOf } from './spec-problems.ts';

export interface RenderRequest {
  readonly spec: RenderSpec;
  readonly files: OutputFiles;
  /** Where it came from: "the flags", "spec.yaml", "jobs.jsonl line 3". */
  readonly origin: string;
  /** The spec file, if it came from one. */
  readonly file?: string | undefined;
  readonly nameOf: NameOf;
}

export interface RequestOptions {
  /** `render` must know where the video goes, `plan` and `submit` need not. */
  readonly needsOutput: boolean;
  /** Whose help is pointed to. @default render */
  readonly command?: 'render' | 'plan' | 'sweep' | 'submit' | 'roundtrip';
  /** Fields that a sweep tries several values of, whatever a preset says. @default none */
  readonly swept?: readonly string[];
}

/** A request as far as it can be understood, with all that is wrong in it. */
export interface RequestDraft {
  /** Where there are problems, one to go on checking with, and no more. */
  readonly request: RenderRequest;
  /** Fields of its spec, dotted, that are not as they were asked for. */
  readonly unknown: readonly string[];
  readonly problems: readonly RequestProblem[];
}

/** What every spec needs to say and flags or batch lines leave out. */
const VERSION_LAYER: SpecLayer = { ...EMPTY_LAYER, fields: { apiVersion: 'bivdiff/v1' } };

/** The request that flags alone make. @throws invalid-argument — lists every problem */
export function requestFromFlags(flags: SpecLayer, options: RequestOptions): RenderRequest {
  return wholeRequest(draftFromFlags(flags, options), options);
}

/**
 * The request of a spec file, flags going before it.
 * @throws not-found — no such file
 * @throws invalid-argument — not YAML or JSON, or lists every problem
 */
export async function requestFromFile(
  path: string,
  flags: SpecLayer,
  options: RequestOptions,
): Promise<RenderRequest> {
  return wholeRequest(await draftFromFile(path, flags, options), options);
}

/** What a command line asks for: with a spec file, or by flags alone. */
export async function draftRequest(
  specFile: string | undefined,
  flags: SpecLayer,
  options: RequestOptions,
): Promise<RequestDraft> {
  if (specFile === undefined) return draftFromFlags(flags, options);
  return draftFromFile(specFile, flags, options);
}

function draftFromFlags(flags: SpecLayer, options: RequestOptions): RequestDraft {
  const layer = mergeLayers([VERSION_LAYER, flags]);
  return checkRequest(layer, { ...options, origin: 'the flags', flagsOnly: true });
}

async function draftFromFile(
  path: string,
  flags: SpecLayer,
  options: RequestOptions,
): Promise<RequestDraft> {
  const problems: RequestProblem[] = [];
  const settings = await lookedAt(() => readSpecFile(path), problems);
  if (settings === undefined) return draftBeside(problems, flags, options);
  const own = specLayer(settings, { folder: folderOfFile(path), spelling: 'spec' });
  const layer = mergeLayers([own, flags]);
  return checkRequest(layer, { ...options, origin: path, file: path, flagsOnly: false });
}

/** Of flags beside a file that could not be read: what it would have said is unknown. */
export function draftBeside(
  unread: readonly RequestProblem[],
  flags: SpecLayer,
  options: RequestOptions,
): RequestDraft {
  const all = RENDER_FLAGS.flatMap(({ field }) => (field === undefined ? [] : [field]));
  const left = all.filter((field) => fieldOf(flags.fields, field) === undefined);
  const layer = mergeLayers([VERSION_LAYER, { ...flags, unknown: [...flags.unknown, ...left] }]);
  const draft = checkRequest(layer, {
    ...{ ...options, needsOutput: false },
    ...{ origin: 'the flags', flagsOnly: true },
  });
  return { ...draft, problems: [...unread, ...draft.problems] };
}

/** Checks one line of a batch, the flags being its defaults. */
export function checkBatchLine(
  flags: SpecLayer,
  line: SpecLayer,
  options: RequestOptions & { readonly origin: string },
): RequestDraft {
  const layer = mergeLayers([VERSION_LAYER, flags, line]);
  return checkRequest(layer, { ...options, flagsOnly: false });
}

interface CheckRequestOptions extends RequestOptions {
  readonly origin: string;
  readonly file?: string;
  readonly flagsOnly: boolean;
}

/** Throws nothing. */
function checkRequest(merged: SpecLayer, options: CheckRequestOptions): RequestDraft {
  const nameOf = namesOfFields(merged, options);
  const layer = applyPreset(merged, { nameOf, swept: options.swept ?? [] });
  const { spec, unknown, problems: found } = checkSpec(layer, options);
  const problems = [...found];
  // A name that is none is told of already.
  if (options.needsOutput && layer.files.output === undefined && !layer.names.has('output')) {
    problems.push(`${nameOf('output')} is missing: where the video goes`);
  }
  const files = completeFiles(layer.files, spec);
  const hasFormat = !unknown.some((field) => field === 'output' || field === 'output.format');
  problems.push(...checkFileNames(files, spec, { nameOf, hasFormat }));
  const { origin, file } = options;
  const request = { spec, files, origin, file, nameOf };
  return { request, unknown, problems: problemsOfTexts(problems) };
}

/** @throws invalid-argument — lists every problem */
export function wholeRequest(
  { request, problems }: RequestDraft,
  { command }: RequestOptions,
): RenderRequest {
  if (problems.length === 0) return request;
  throw refusalOf(problems, {
    lead: whereFrom(
      problems.map(({ text }) => text),
      request.file,
    ),
    hint: helpHint(command),
  });
}

export function helpHint(command: RequestOptions['command'] = 'render'): string {
  return `bivdiff ${command} --help lists the settings with their ranges.`;
}

/** `spec.yaml: `, where a problem is of a key in that file. */
export function whereFrom(problems: readonly string[], file: string | undefined): string {
  const isOfFile = problems.some((problem) => !problem.startsWith('--'));
  return file !== undefined && isOfFile ? `${file}: ` : '';
}

/** A spec may ask for a comparison without saying where: it goes beside the output. */
function completeFiles(files: OutputFiles, spec: RenderSpec): OutputFiles {
  const { output } = files;
  if (output === undefined) return files;
  const plain = output.replace(/\/$/, '');
  const stem = resolve(dirname(plain), basename(plain, extname(plain)));
  const { format, comparison, contactSheet } = spec.output;
  return {
    ...files,
    ...(comparison && files.comparison === undefined
      ? { comparison: `${stem}.comparison${endingOf(comparisonFormat(format))}` }
      : {}),
    ...(contactSheet && files.contactSheet === undefined
      ? { contactSheet: `${stem}.contact-sheet.png` }
      : {}),
  };
}

function checkFileNames(
  files: OutputFiles,
  spec: RenderSpec,
  { nameOf, hasFormat }: { readonly nameOf: NameOf; readonly hasFormat: boolean },
): string[] {
  const { contactSheet } = files;
  const ofAnyFormat = contactSheet === undefined ? {} : { contactSheet };
  const problems = endingProblems(hasFormat ? files : ofAnyFormat, spec.output.format, nameOf);
  const places = (Object.entries(files) as [string, string][]).map(([name, path]) => ({
    called: nameOf(name in spec.output ? `output.${name}` : name),
    path,
  }));
  for (const { called, path } of places) {
    if (path === spec.input.path) {
      problems.push(`${called}: ${path} is the source, which an output shall not replace`);
    }
    for (const { name: other } of furtherSources(spec).filter((one) => one.path === path)) {
      problems.push(`${called}: ${path} is the ${other}, which an output shall not replace`);
    }
  }
  return [...problems, ...clashProblems(places)];
}

async function readSpecFile(path: string): Promise<Fields> {
  const text = await readTextFile(path, `reading the spec ${path}`);
  let settings: unknown;
  try {
    settings = parseYaml(text);
  } catch (reason) {
    throw new BivdiffError('invalid-argument', `${path} is neither YAML nor JSON`, {
      hint: 'bivdiff render --help shows an example of a spec file.',
      cause: reason,
    });
  }
  if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) {
    return settings as Fields;
  }
  throw new BivdiffError('invalid-argument', `${path} holds no spec: expected fields and values`, {
    hint: 'Begin the spec with apiVersion: bivdiff/v1',
  });
}
