// One source of settings - the flags, a spec file, a line of a batch - brought to one shape: fields of the spec
// and files to write. Layers are merged and then checked by the schema; here only spelling and paths are looked at.

import { dirname, isAbsolute, resolve } from 'node:path';

import { camelCase, findFlag } from '../flags/find-flag.ts';
import { RENDER_FLAGS } from '../flags/flag-table.ts';
import type { Flag } from '../flags/flag-table.ts';
import { fieldsBelow, rangeOfFlag } from '../flags/flag-facts.ts';
import { isCutWord } from '../../recipes/spec/fields.ts';
import { readCutsFile } from './cuts-file.ts';
import { formatOfName } from './output-names.ts';

export interface Fields {
  [key: string]: unknown;
}

/** What a render writes. Absolute paths. */
export interface OutputFiles {
  readonly output?: string;
  readonly comparison?: string;
  readonly contactSheet?: string;
  readonly report?: string;
  readonly trace?: string;
}
type FileName = keyof OutputFiles;

/** Fields of the spec that name something to read. */
const PATH_FIELDS = RENDER_FLAGS.flatMap(({ kind, field }) =>
  kind === 'path' && field !== undefined ? [field] : [],
);

export interface SpecLayer {
  readonly fields: Fields;
  readonly files: OutputFiles;
  /**
   * What problems call a field or a file, where that is not the field: the flag that was typed, or the key that stands for it. By field,
   * dotted; files are `output`, `output.comparison`, `output.contactSheet`, `report` and `trace`.
   */
  readonly names: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
  /** Fields of the spec, dotted, of which nothing could be taken: problems tell why. */
  readonly unknown: readonly string[];
}

/** Of nothing that was given. */
export const EMPTY_LAYER: SpecLayer = {
  ...{ fields: {}, files: {}, names: new Map(), problems: [], unknown: [] },
};

export interface LayerOptions {
  /** What relative paths are relative to. Absolute. */
  readonly folder: string;
  /** `typed`: values are text, as on the command line. `cells`: so too, and an empty one is none. `spec`: values have types. */
  readonly spelling: 'typed' | 'cells' | 'spec';
}

/**
 * Reads one source of settings. A key is a field of the spec, or a flag's name with the value that the flag would take.
 */
export function specLayer(settings: Readonly<Fields>, options: LayerOptions): SpecLayer {
  const fields: Fields = {};
  const files: { -readonly [K in FileName]?: string } = {};
  const names = new Map<string, string>();
  const problems: string[] = [];
  const unknown: string[] = [];
  const specKeys = fieldsBelow('');

  const nameAs = (field: string, key: string): void => {
    names.set(field, options.spelling === 'spec' ? key : `--${findFlag(key)?.name ?? key}`);
  };
  const takeFile = (name: FileName, key: string, value: unknown): void => {
    nameAs(fieldOfFile(name), key);
    if (typeof value === 'string' && value !== '') files[name] = absolute(value, options.folder);
    else {
      const called = names.get(fieldOfFile(name)) ?? key;
      problems.push(`${called}: expected a file name, got ${JSON.stringify(value)}`);
    }
  };
  const takeFlag = (flag: Flag, field: string, key: string, value: unknown): void => {
    const part = flag.name === 'frames' ? partOf(value) : undefined;
    if (part !== undefined) {
      for (const named of Object.keys(part)) nameAs(named, key);
      Object.assign(fields, part);
      return;
    }
    if (flag.name === 'frames' && options.spelling === 'spec' && typeof value === 'string') {
      problems.push(`${key}: expected ${formOf(flag)}, got ${JSON.stringify(value)}`);
      unknown.push(field);
      return;
    }
    if (flag.kind === 'list') {
      nameAs(field, key);
      setField(fields, field, [value].flat());
      return;
    }
    if (flag.kind === 'listing' && typeof value === 'string' && !isCutWord(value)) {
      nameAs(field, key);
      const wrong: string[] = [];
      const cuts = readCutsFile({ name: value, folder: options.folder }, wrong);
      setField(fields, field, cuts);
      if (cuts === undefined) unknown.push(field);
      problems.push(...wrong.map((problem) => `${names.get(field) ?? key}: ${problem}`));
      return;
    }
    const taken = options.spelling === 'spec' ? value : valueOfText(flag, String(value), problems);
    if (taken === undefined) {
      unknown.push(field);
      return;
    }
    nameAs(field, key);
    setField(fields, field, taken);
  };

  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || (options.spelling === 'cells' && value === '')) continue;
    const flag = findFlag(key);
    const isObject = typeof value === 'object' && value !== null;
    if (key === 'output' && isObject) {
      const { file, ...rest } = value as Fields;
      if (file !== undefined) takeFile('output', 'output.file', file);
      mergeInto(fields, { output: rest });
    } else if (flag?.kind === 'file' && isFileName(camelCase(flag.name))) {
      takeFile(camelCase(flag.name) as FileName, key, value);
    } else if (flag?.name === 'preset') {
      nameAs('preset', key);
      fields['preset'] = value;
    } else if (flag?.field !== undefined && !(isObject && specKeys.includes(key))) {
      takeFlag(flag, flag.field, key, value);
    } else {
      mergeInto(fields, { [key]: value });
    }
  }
  resolvePaths(fields, options.folder);
  inferFormat(fields, { output: files.output, names, problems, unknown });
  for (const name of ['comparison', 'contactSheet'] as const) {
    if (files[name] === undefined) continue;
    setField(fields, `output.${name}`, true);
  }
  return { fields, files, names, problems, unknown };
}

/** Later layers win, field by field. */
export function mergeLayers(layers: readonly SpecLayer[]): SpecLayer {
  const fields: Fields = {};
  const names = new Map<string, string>();
  const unknown = new Set<string>();
  for (const layer of layers) {
    // Frames without a part are all of them.
    if ('frames' in layer.fields) delete fields['part'];
    mergeInto(fields, layer.fields);
    for (const field of names.keys()) {
      if (fieldOf(layer.fields, field) !== undefined) names.delete(field);
    }
    for (const field of unknown) {
      if (fieldOf(layer.fields, field) !== undefined) unknown.delete(field);
    }
    for (const [field, name] of layer.names) names.set(field, name);
    for (const field of layer.unknown) unknown.add(field);
  }
  return {
    fields,
    files: Object.assign({}, ...layers.map((layer) => layer.files)) as OutputFiles,
    names,
    problems: layers.flatMap((layer) => layer.problems),
    unknown: [...unknown],
  };
}

/** Of `120-180/512` or `120-180`, the fields that it stands for; undefined if it is neither. */
function partOf(value: unknown): Fields | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  const [, first, last, whole] = /^(\d+)-(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  const part = { first: Number(first), last: Number(last) };
  return whole === undefined
    ? { part: { ...part, of: 'source' } }
    : { frames: Number(whole), part };
}

/** The value at a dotted field. */
export function fieldOf(fields: Readonly<Fields>, field: string): unknown {
  let value: unknown = fields;
  for (const key of field.split('.')) value = isPlainObject(value) ? value[key] : undefined;
  return value;
}

function isFileName(name: string): name is FileName {
  return ['output', 'comparison', 'contactSheet', 'report', 'trace'].includes(name);
}

/** Keeps a trailing slash: it says that a folder is meant. */
export function absolute(path: string, folder: string): string {
  return resolve(folder, path) + (/[^/]\/$/.test(path) ? '/' : '');
}

/** Where relative paths in a file begin: in its folder; of what is piped in, which lies in /dev, where the command runs. */
export function folderOfFile(path: string): string {
  const folder = dirname(resolve(path));
  return /^\/(dev|proc)(\/|$)/.test(folder) ? resolve() : folder;
}

function valueOfText(flag: Flag, text: string, problems: string[]): unknown {
  if (flag.kind === 'switch') {
    if (text === 'true' || text === 'false') return text === 'true';
    problems.push(`--${flag.name}: expected true or false, got "${text}"`);
    return undefined;
  }
  if (flag.kind !== 'number') return text;
  const value = text.trim() === '' ? NaN : Number(text);
  const range = rangeOfFlag(flag);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER && range !== undefined) {
    // As it was typed: as a number it is rounded.
    problems.push(`--${flag.name}: expected ${range}, got ${text.trim()}`);
    return undefined;
  }
  if (Number.isFinite(value)) return value;
  const list = text.includes(',') ? ' (lists of values are for bivdiff sweep)' : '';
  problems.push(`--${flag.name}: expected ${formOf(flag)}, got "${text}"${list}`);
  return undefined;
}

function formOf({ name }: Flag): string {
  return name === 'frames' ? 'a number, A-B or A-B/N' : 'a number';
}

function resolvePaths(fields: Fields, folder: string): void {
  const { models } = fields;
  for (const field of PATH_FIELDS) {
    const path = fieldOf(fields, field);
    if (typeof path === 'string' && path !== '') setField(fields, field, resolve(folder, path));
  }
  // A name without a slash is a set that ships; ./name is a folder here.
  if (typeof models === 'string' && (models.includes('/') || isAbsolute(models))) {
    fields['models'] = resolve(folder, models);
  }
}

interface Inference {
  readonly output: string | undefined;
  readonly names: Map<string, string>;
  readonly problems: string[];
  readonly unknown: string[];
}

/** A format that nobody asked for is the output's, and problems with it are called as that. */
function inferFormat(fields: Fields, inference: Inference): void {
  const { output, names, problems, unknown } = inference;
  if (output === undefined) return;
  const given = fields['output'];
  if (typeof given === 'object' && given !== null && 'format' in given) return;
  const called = names.get('output') ?? 'output';
  const format = formatOfName(output);
  if (format === undefined) {
    problems.push(
      `${called}: no format is known for ${output}; it ends in .mp4, .webm, .mov, .mkv or .gif, or names a folder for PNGs`,
    );
    unknown.push('output.format');
  } else {
    names.set('output.format', called);
    setField(fields, 'output.format', format);
  }
}

function fieldOfFile(name: FileName): string {
  return name === 'comparison' || name === 'contactSheet' ? `output.${name}` : name;
}

/** Sets the value at a dotted field; objects on the way are copied, not changed. */
export function setField(fields: Fields, field: string, value: unknown): void {
  const [first = '', ...rest] = field.split('.');
  if (rest.length === 0) {
    fields[first] = value;
    return;
  }
  const below = fields[first];
  const next = isPlainObject(below) ? { ...below } : {};
  setField(next, rest.join('.'), value);
  fields[first] = next;
}

function mergeInto(target: Fields, source: Readonly<Fields>): void {
  for (const [key, value] of Object.entries(source)) {
    const before = target[key];
    if (isPlainObject(value) && isPlainObject(before)) {
      const merged = { ...before };
      mergeInto(merged, value);
      target[key] = merged;
    } else {
      target[key] = value;
    }
  }
}

function isPlainObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
