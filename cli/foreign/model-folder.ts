// One model's folder: its config and weights, as diffusers and transformers save them.

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { COPY_AGAIN } from './foreign.ts';
import type { ForeignProblem } from './foreign.ts';
import { findWeights } from './weight-files.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface ModelFolder {
  /** Of which class, as its config says; undefined if that cannot be read. */
  readonly name?: string | undefined;
  readonly config: JsonObject;
  readonly problems: readonly ForeignProblem[];
  readonly variant?: string | undefined;
}

/** Reads a model that a pipeline needs in this folder. */
export async function readModel(folder: string, kind: string): Promise<ModelFolder> {
  const config = await readJson(join(folder, 'config.json'));
  if ('problem' in config) {
    const problem = (await isFolder(folder)) ? config : absent(folder);
    return { config: {}, problems: [problem] };
  }
  const name = classOf(config.object);
  if (name !== kind) {
    const path = join(folder, 'config.json');
    const problem = `is of ${name ?? 'no class that it names'}, not of ${kind}`;
    const hint = `Copy the ${kind} of the same download there.`;
    return { name, config: config.object, problems: [{ path, problem, hint }] };
  }
  const { problems, variant } = await findWeights(folder);
  return { name, config: config.object, problems, variant };
}

/** What is wrong with a tokenizer's folder. */
export async function tokenizerProblems(folder: string): Promise<readonly ForeignProblem[]> {
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return [absent(folder)];
  const hasBoth = names.includes('vocab.json') && names.includes('merges.txt');
  if (hasBoth || names.includes('tokenizer.json')) return [];
  const problem = 'has neither tokenizer.json nor both vocab.json and merges.txt';
  return [{ path: folder, problem, hint: COPY_AGAIN }];
}

/** What is wrong with a scheduler's folder. */
export async function schedulerProblems(folder: string): Promise<readonly ForeignProblem[]> {
  if (!(await isFolder(folder))) return [absent(folder)];
  const read = await readJson(join(folder, 'scheduler_config.json'));
  return 'problem' in read ? [read] : [];
}

/** The class that a config names, of diffusers or of transformers. */
export function classOf(config: JsonObject): string | undefined {
  const { _class_name: name, architectures } = config;
  const named = name ?? (Array.isArray(architectures) ? (architectures[0] as unknown) : undefined);
  return typeof named === 'string' ? named : undefined;
}

/** The object in a JSON file, or what is wrong with it. */
export async function readJson(
  path: string,
): Promise<{ readonly object: JsonObject } | ForeignProblem> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return { path, problem: 'is missing', hint: COPY_AGAIN };
  }
  try {
    const object: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (typeof object === 'object' && object !== null && !Array.isArray(object)) {
      return { object: object as JsonObject };
    }
  } catch {
    // Told below.
  }
  return { path, problem: 'is no JSON object', hint: COPY_AGAIN };
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function absent(path: string): ForeignProblem {
  return { path, problem: 'is missing', hint: 'Copy it from the same download.' };
}
