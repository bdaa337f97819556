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
import { mergeLayers, specLayer } from './spec-layer.ts';
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

export interface RequestCheck {
  readonly request: RenderRequest | undefined;
  readonly problems: readonly string[];
}

/** What every spec needs to say and flags or batch lines leave out. */
const VERSION_LAYER: SpecLayer = {
  fields: { apiVersion: 'bivdiff/v1' },
  files: {},
  names: new Map(),
  problems: [],
};

/** The request that flags alone make. @throws invalid-argument — lists every problem */
export function requestFromFlags(flags: SpecLayer, options: RequestOptions): RenderRequest {
  const layer = mergeLayers([VERSION_LAYER, flags]);
  const check = checkRequest(layer, { ...options, origin: 'the flags', flagsOnly: true });
  return requestOrThrow(check, options);
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
  const settings = await readSpecFile(path);
  const own = specLayer(settings, { folder: dirname(resolve(path)), spelling: 'spec' });
  const layer = mergeLayers([own, flags]);
  const check = checkRequest(layer, { ...options, origin: path, file: path, flagsOnly: false });
  return requestOrThrow(check, { ...options, file: path });
}

/** Checks one line of a batch, the flags being its defaults. Throws nothing. */
export function checkBatchLine(
  flags: SpecLayer,
  line: SpecLayer,
  options: RequestOptions & { readonly origin: string },
): RequestCheck {
  const layer = mergeLayers([VERSION_LAYER, flags, line]);
  return checkRequest(layer, { ...options, flagsOnly: false });
}

interface CheckRequestOptions extends RequestOptions {
  readonly origin: string;
  readonly file?: string;
  readonly flagsOnly: boolean;
}

function checkRequest(merged: SpecLayer, options: CheckRequestOptions): RequestCheck {
  const nameOf = namesOfFields(merged, options);
  const layer = applyPreset(merged, { nameOf, swept: options.swept ?? [] });
  const { spec, problems: found } = checkSpec(layer, options);
  const problems = [...found];
  if (options.needsOutput && layer.files.output === undefined) {
    problems.push(`${nameOf('output')} is missing: where the video goes`);
  }
  const files = spec === undefined ? layer.files : completeFiles(layer.files, spec);
  if (spec !== undefined) problems.push(...checkFileNames(files, spec, nameOf));
  if (spec === undefined || problems.length > 0) return { request: undefined, problems };
  const { origin, file } = options;
  return { request: { spec, files, origin, file, nameOf }, problems };
}

function requestOrThrow(
  check: RequestCheck,
  { command = 'render', file }: RequestOptions & { readonly file?: string },
): RenderRequest {
  if (check.request !== undefined) return check.request;
  const { problems } = check;
  throw new BivdiffError('invalid-argument', whereFrom(problems, file) + problems.join('; '), {
    hint: `bivdiff ${command} --help lists the settings with their ranges.`,
    details: { problems },
  });
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

function checkFileNames(files: OutputFiles, spec: RenderSpec, nameOf: NameOf): string[] {
  const problems = endingProblems(files, spec.output.format, nameOf);
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
