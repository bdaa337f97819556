// Where the parts of a model lie in its folder, and what files make each up. Finds every file and notes every problem;
// opens no weights.

import { access, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

import { BivdiffError } from '../errors.ts';
import { readTextFile } from '../files/text-file.ts';
import type { JsonObject } from '../task.ts';
import { readOnnxFile } from './onnx-file.ts';
import { parsePythonJson } from './python-json.ts';

/** Something that keeps a set from being used. */
export interface ModelProblem {
  /** The part, say `image/unet`; or `card`. */
  readonly part: string;
  /** Absolute path of the file that it is about. */
  readonly path: string;
  readonly problem: string;
  /** What to do about it. */
  readonly hint: string;
}

/** A part whose files are all there. */
export interface FoundPart {
  readonly name: string;
  readonly graph?: string;
  readonly folder?: string;
  /** Where the config was read from. */
  readonly configFile?: string;
  readonly config: JsonObject;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

type FoundConfig = Pick<FoundPart, 'config' | 'configFile'>;

/** Where to look; paths are absolute. Of several places for a graph or config, the first that exists is taken. */
export type PartPlace =
  | {
      readonly kind: 'graph';
      readonly name: string;
      readonly graphs: readonly string[];
      readonly configs: readonly string[];
      /** Whether a set may be without it. */
      readonly isOptional?: boolean;
    }
  | { readonly kind: 'tokenizer'; readonly name: string; readonly folder: string }
  | {
      readonly kind: 'scheduler';
      readonly name: string;
      readonly config: string;
      /** Whether a set may be without it. */
      readonly isOptional?: boolean;
    };

/** What a tokenizer reads; anything else in its folder is not part of it. */
const TOKENIZER_FILES = [
  'added_tokens.json',
  'merges.txt',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
];

const EXPORT_HINT =
  'Export the models again with `python -m export` in models/, or copy the folder again.';

/** The part, undefined if it is optional and absent, or its problems. */
export async function findPart(
  place: PartPlace,
): Promise<FoundPart | undefined | readonly ModelProblem[]> {
  const search = new PartSearch(place.name);
  const part = await search.find(place);
  return search.problems.length > 0 ? search.problems : part;
}

class PartSearch {
  readonly problems: ModelProblem[] = [];
  readonly #name: string;
  readonly #files: { path: string; bytes: number }[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  async find(place: PartPlace): Promise<FoundPart | undefined> {
    const { name } = place;
    switch (place.kind) {
      case 'graph': {
        const graph = await firstThatExists(place.graphs);
        if (graph === undefined && place.isOptional === true) return undefined;
        if (graph === undefined) this.#miss(place.graphs);
        else await this.#addGraph(graph);
        const config = await this.#addConfig(place.configs);
        return { name, graph: graph ?? '', ...config, files: this.#files };
      }
      case 'tokenizer': {
        const config = await this.#addTokenizer(place.folder);
        return { name, folder: place.folder, ...config, files: this.#files };
      }
      case 'scheduler':
        if (place.isOptional === true && (await firstThatExists([place.config])) === undefined)
          return undefined;
        return { name, ...(await this.#addConfig([place.config])), files: this.#files };
    }
  }

  async #addGraph(graph: string): Promise<void> {
    await this.#addFile(graph);
    try {
      for (const { location, bytesNeeded } of readOnnxFile(graph).externalFiles) {
        await this.#addWeights(graph, location, bytesNeeded);
      }
    } catch (reason) {
      const { message, hint } = BivdiffError.from(reason, `reading ${graph}`);
      this.#note(graph, message.replace(`${graph} `, ''), hint ?? EXPORT_HINT);
    }
  }

  async #addWeights(graph: string, location: string, bytesNeeded: number): Promise<void> {
    const path = join(dirname(graph), location);
    const fromGraph = relative(dirname(graph), path).split(sep);
    if (location.startsWith('/') || fromGraph[0] === '..') {
      const problem = `${graph} names it as its weights, but it lies outside the graph's folder`;
      this.#note(path, problem, 'ONNX Runtime refuses that: put the graph above its weights.');
      return;
    }
    const bytes = await this.#addFile(path, `${graph} names it as its weights`);
    if (bytes !== undefined && bytes < bytesNeeded) {
      const problem = `has ${String(bytes)} bytes; ${graph} reads up to byte ${String(bytesNeeded)}`;
      this.#note(path, problem, 'It was cut off, or belongs to another graph: copy it again.');
    }
  }

  async #addConfig(places: readonly string[]): Promise<FoundConfig> {
    const path = await firstThatExists(places);
    if (path === undefined) {
      this.#miss(places);
      return { config: {} };
    }
    await this.#addFile(path);
    try {
      const value: unknown = parsePythonJson(await readTextFile(path, 'opening it'));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return { config: value as JsonObject, configFile: path };
      }
      this.#note(path, 'is not a JSON object', EXPORT_HINT);
    } catch (reason) {
      const what = (reason as Error).message.replace(`${path} `, '');
      this.#note(path, `cannot be read as JSON: ${what}`, EXPORT_HINT);
    }
    return { config: {} };
  }

  async #addTokenizer(folder: string): Promise<FoundConfig> {
    const present = await readdir(folder).catch((): string[] => []);
    const found = TOKENIZER_FILES.filter((file) => present.includes(file));
    const isWhole = ['vocab.json', 'merges.txt'].every((file) => found.includes(file));
    if (!found.includes('tokenizer.json') && !isWhole) {
      const problem = 'has neither tokenizer.json nor both vocab.json and merges.txt';
      this.#note(folder, problem, "Copy the model's tokenizer folder again.");
      return { config: {} };
    }
    const configName = 'tokenizer_config.json';
    for (const file of found) if (file !== configName) await this.#addFile(join(folder, file));
    return found.includes(configName)
      ? this.#addConfig([join(folder, configName)])
      : { config: {} };
  }

  /** Its size, or undefined if it is missing. */
  async #addFile(path: string, why = 'it is part of this model'): Promise<number | undefined> {
    try {
      const { size } = await stat(path);
      this.#files.push({ path, bytes: size });
      return size;
    } catch {
      this.#note(path, `is missing; ${why}`, 'Copy it there, or export the models again.');
      return undefined;
    }
  }

  #miss(places: readonly string[]): void {
    const [first, ...others] = places;
    const elsewhere = others.length === 0 ? '' : ` (nor is ${others.join(', ')} there)`;
    this.#note(first!, `is missing${elsewhere}`, EXPORT_HINT);
  }

  #note(path: string, problem: string, hint: string): void {
    this.problems.push({ part: this.#name, path, problem, hint });
  }
}

async function firstThatExists(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  return undefined;
}
